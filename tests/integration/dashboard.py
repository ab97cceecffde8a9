#!/usr/bin/env python3
"""dashboard.py [TEST...] - `leadclock dashboard` on real servers, asked as a browser would."""

import base64
import html
import html.parser
import json
import os
import re
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from alerting import HOUR, MINUTE, Program, contacted, created
from world import BINARY, World, free_port, main, now_ms, require, say, stack, wait_for

# A published lead is promised to be on Now within 2 s; the bound is for machines that have other things to do.
SOON_S = 10
LEADS_TO_LOOK_AT = 3000
POLICY = """
name: doors
stages: [SAL, {name: WON, closes: won}]
reasons: {other: {route: NURTURE, track: general}}
retain: 9000d
rules:
  - name: standard
    when: any
    first_contact: {within: 4s, escalate: [5s]}
    clawback: {after: 14d, until: WON, route: NURTURE, track: general}
"""


class Dashboard(Program):
    def __init__(self, world, name="dashboard", *settings):
        super().__init__(world, name)
        self.world, self.port, self.settings = world, free_port(), settings

    def command(self):
        settings = [f"dashboard.listen=127.0.0.1:{self.port}", *self.settings]
        sets = [word for setting in settings for word in ("--set", setting)]
        return [BINARY, "dashboard", "--config", self.world.config, *sets]

    def ask(self, path, headers=None):
        """(status, headers, text); None: it does not answer."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()
        except OSError:
            return None

    def page(self, path):
        answer = self.ask(path)
        require(answer is not None and answer[0] == 200, f"{path}: {answer}")
        return answer[2]

    def tables(self, path="/"):
        answer = self.ask("/api" + path)
        return json.loads(answer[2]) if answer and answer[0] == 200 else {}

    def leads(self, table, path="/"):
        return [row["lead_id"] for row in self.tables(path).get(table, [])]

    def stop(self):
        self.process.terminate()
        code = self.process.wait(30)
        require(code == 0, f"the dashboard ended with {code} after SIGTERM: {self.read_log()[-2000:]}")


def begin(test):
    """Whoever begins ends both; what fails half-way is ended here."""
    world, dashboard = World(test, POLICY), None
    try:
        world.create_topics()
        world.start()
        dashboard = Dashboard(world).start()
        wait_for("readiness", lambda: (dashboard.ask("/readyz") or [0])[0] == 200, 60)
    except BaseException:
        if dashboard:
            dashboard.close()
        world.close()
        raise
    return world, dashboard


def timed(text, condition):
    begun = time.monotonic()
    wait_for(text, condition, SOON_S)
    say(f"{text}: after {time.monotonic() - begun:.1f} s")


# ---- Tests ----


def a_lead_comes_breaks_and_is_taken_back():
    """A published lead is on Now at once, moves when it breaks, and a contact that arrives late takes it back."""
    world, dashboard = begin("dashboard")
    try:
        at = now_ms()
        world.publish([created("newcomer", at)])
        timed("the lead to be on Now", lambda: "newcomer" in dashboard.leads("latest"))
        is_broken = "newcomer" in dashboard.leads("broken")
        require(not is_broken or now_ms() >= at + 4000, "it is broken too early")
        wait_for("the breach", lambda: "newcomer" in dashboard.leads("broken"), 4 + SOON_S)
        page = dashboard.page("/")
        require('<a href="/lead/newcomer">newcomer</a>' in page, "no link to the lead")
        wait_for("it to be behind the number",
                 lambda: dashboard.leads("leads", "/leads?broken=first_contact&owner=ann") == ["newcomer"], SOON_S)  # fmt: skip
        work = dashboard.tables("/worklist?owner=ann")["worklist"]
        require(work[0]["lead_id"] == "newcomer" and work[0]["why"].startswith("A promise has been broken for "), f"{work}")
        wait_for("the escalation", lambda: "escalated to level 1" in dashboard.page("/lead/newcomer"), 10 + SOON_S)
        world.publish([contacted("newcomer", at + 1000)])
        timed("the retraction", lambda: "newcomer" not in dashboard.leads("broken"))
        wait_for("the time line to forget it", lambda: "broken" not in
                 dashboard.page("/lead/newcomer").split("<main", 1)[1].split("cycles", 1)[0], SOON_S)  # fmt: skip
        dashboard.stop()
        world.services[0].stop()
    finally:
        dashboard.close()
        world.close()


def a_lead_is_told_as_inspect_tells_it():
    """Every outcome that inspect derives is in the time line, at its time; so is what is due."""
    world, dashboard = begin("dashboard-lead")
    lead = "a/b c?<script>alert(1)</script>"
    try:
        at = now_ms() - 2 * HOUR
        rejected = {"type": "LeadRejected", "event_id": "r", "lead_id": lead, "occurred_at": at + HOUR, "reason": "other",
                    "owner": "bo"}  # fmt: skip
        world.publish([created(lead, at), contacted(lead, at + MINUTE), rejected, created("open", at)])
        again = dict(created(lead, at + HOUR + MINUTE), event_id="again")
        world.publish([again])
        world.settle()
        path = "/lead/" + urllib.parse.quote(lead, safe="")
        told = json.loads(world.run("inspect", "--format", "json", lead))
        wait_for("the time line", lambda: len(dashboard.tables(path).get("cycles", [])) == len(told["cycles"]), SOON_S)
        line = dashboard.tables(path)["timeline"]
        words = {
            "SlaBreached": lambda o: f"broken: {o['clock']}",
            "SlaBreachEnded": lambda o: f"broken no longer: {o['clock']}",
            "LeadSettled": lambda o: f"settled: {o['cause']}",
            "LeadRouted": lambda o: f"routed: {o['route']}, track {o['track']}",
        }
        found = 0
        for outcome in told["outcomes"]:
            if outcome["type"] not in words:
                continue
            what = words[outcome["type"]](outcome)
            at_text = outcome["occurred_at"]
            require(any(row["what"] == what and row["at"] == at_text for row in line), f"{what} at {at_text} is not in {line}")
            found += 1
        require(found >= 4, f"so little proves nothing: {told['outcomes']}")
        for cycle in told["cycles"]:
            require(any(row["what"] == "handed off" and row["at"] == cycle["handoff_at"] for row in line), "a hand-off is missing")
            if cycle["next_due_at"]:
                require(any(row["at"] == cycle["next_due_at"] and row["what"] == f"{cycle['next_clock']} is due"
                            for row in line), f"{cycle['next_clock']} is not said to be due: {line}")  # fmt: skip
        page = dashboard.page(path)
        require("<script>alert" not in page and "&lt;script&gt;alert(1)" in page, "a name became a script")
        require(dashboard.ask("/lead/unheard-of")[0] == 404, "an unknown lead has a page")
        csv = dashboard.page(f"/csv{path}?table=timeline")
        require(csv.startswith("table,at,cycle,what,why"), csv[:100])
        dashboard.stop()
        world.services[0].stop()
    finally:
        dashboard.close()
        world.close()


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.styled = [], False

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.found += [attrs[name] for name in ("href", "src", "action") if attrs.get(name)]
        self.styled |= "style" in attrs or tag == "style" or any(name.startswith("on") for name in attrs)
        self.styled |= tag == "script" and "src" not in attrs


def nothing_leaves_the_origin():
    """Every page of ours, and all that it links to, is of this origin, answers, and says how it may be shown; whoever is
    not named gets nothing."""
    world, dashboard = begin("dashboard-links")
    guarded = Dashboard(world, "guarded", "dashboard.users.ann=a-password-that-is-long")
    try:
        at = now_ms()
        world.publish([created(f"lead {i}", at - i * HOUR, ("demo", "a&b", "")[i % 3], "ann") for i in range(9)])
        world.settle()
        wait_for("the leads", lambda: len(dashboard.leads("leads", "/leads")) == 9, SOON_S)
        seen, todo = set(), ["/"]
        while todo and len(seen) < 150:
            path = todo.pop()
            seen.add(path)
            status, headers, text = dashboard.ask(path)
            require(status == 200 or path == "/lead", f"{path}: {status}")
            require(headers["Content-Security-Policy"].startswith("default-src 'self'"), f"{path}: {headers}")
            require(headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"], f"{path}: {headers}")
            if not headers["Content-Type"].startswith("text/html"):
                continue
            links = Links()
            links.feed(text)
            require(not links.styled, f"{path} has a style or a script within")
            for link in links.found:
                require(link[0] == "#" or re.match(r"/[^/]", link + " "), f"{path} leads to {link}")
                link = link.split("#")[0]
                if link and link not in seen and link not in todo:
                    todo.append(link)
        require(len(seen) > 60, f"so few pages prove nothing: {seen}")
        say(f"{len(seen)} pages and files")
        guarded.start()
        wait_for("the other", lambda: guarded.ask("/livez"), 30)
        basic = lambda text: {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}
        for path in ("/", "/api/", "/lead/1", "/style.css"):
            require(guarded.ask(path)[0] == 401 and guarded.ask(path, basic("ann:wrong"))[0] == 401, f"{path} is open")
        require(guarded.ask("/", basic("ann:a-password-that-is-long"))[0] == 200, "ann may not look")
        require(dashboard.ask("/", {"Host": "evil.example"})[0] == 403, "it answers under a name of others")
        guarded.stop()
        dashboard.stop()
        world.services[0].stop()
    finally:
        guarded.close()
        dashboard.close()
        world.close()


# Numbers that count no leads, or lead to those of their row: by table, the titles of their columns.
NO_LEADS = {
    "worklist": {"#", "attempts"},
    "broken": {"attempts", "escalated to"},
    "longest": {"attempts", "level"},
    "weak_channels": {"leads", "reached"},
    "gate": {"leads", "reached"},
    "endings": {"rejected late", "erased"},
    "broken_by_owner": {"still broken"},
    "late_by_owner": {"ended"},
}
# Likewise, by table, the first cells of their rows.
NO_LEADS_ROWS = {"totals": {"rejected once settled", "erased"}}
# What is counted once for each breach or route, not for each lead.
MORE_THAN_LEADS = {"routes", "broken_by_owner"}


def numbers_of(page):
    """(table, row, column, number, link or None) of each count."""
    for section in re.findall(r'<section id="(\w+)">(.*?)</section>', page, re.S):
        name, text = section
        titles = [re.sub("<.*?>", "", title) for title in re.findall(r'<th scope="col"[^>]*>(.*?)</th>', text, re.S)]
        for row in re.findall(r"<tr>(.*?)</tr>", text.partition("<tbody>")[2], re.S):
            cells = re.findall(r"<t[hd]([^>]*)>(.*?)</t[hd]>", row, re.S)
            first = re.sub("<.*?>", "", cells[0][1])
            for title, (_, cell) in zip(titles, cells):
                number = re.sub("<.*?>", "", cell)
                link = re.search(r'<a href="(.*?)"', cell)
                if re.fullmatch(r"[1-9]\d*", number):
                    yield name, first, title, int(number), html.unescape(link[1]) if link else None


def numbers_lead_to_their_leads():
    """Behind each number of a page are so many leads; what counts none is named."""
    world, dashboard = begin("dashboard-numbers")
    try:
        facts = []
        for i in range(60):
            lead, at = f"lead-{i}", now_ms() - i * 30 * HOUR - HOUR
            facts.append(created(lead, at, ("demo", "a&b", "")[i % 3], ("ann", "bo", None)[i % 4 % 3]))
            if i % 2:
                facts.append(contacted(lead, at + (1000 if i % 4 == 1 else MINUTE)))
            if i % 5 == 0:
                facts.append({"type": "LeadProgressed", "event_id": f"p{i}", "lead_id": lead, "occurred_at": at + 2 * MINUTE,
                              "stage": ("SAL", "WON")[i % 2]})  # fmt: skip
            if i % 7 == 3:
                facts.append({"type": "LeadRejected", "event_id": f"r{i}", "lead_id": lead, "occurred_at": at + 3 * MINUTE,
                              "reason": ("other", "unheard-of")[i % 2], "owner": "bo"})  # fmt: skip
            if i % 9 == 4:
                facts.append(dict(created(lead, at + 4 * MINUTE), event_id=f"again{i}"))
        world.publish(facts)
        world.settle()
        # One that begins now has read all that stands once it is ready; of this one nobody knows what it has yet to read.
        dashboard.stop()
        dashboard.start()
        wait_for("all rows", lambda: (dashboard.ask("/readyz") or [0])[0] == 200, 60)
        require(re.search(r"\b6\d leads: ", dashboard.page("/leads")), "there are other leads")
        seen = {}
        for path in ("/", "/worklist", "/promises?days=90", "/routes?days=90", "/channels"):
            for table, row, column, number, link in numbers_of(dashboard.page(path)):
                what = f"{path}: {table}, {row}, {column}: {number}"
                if column in NO_LEADS.get(table, ()) or row in NO_LEADS_ROWS.get(table, ()):
                    require(link is None, f"{what} leads to {link}: it is no exception")
                    continue
                require(link and link.startswith("/leads?"), f"{what} leads to {link}, not to leads")
                found = re.search(r">(\d+) leads?: ", dashboard.page(link))
                require(found, f"{what} leads to {link}, which does not say how many")
                leads = int(found[1])
                few = table in MORE_THAN_LEADS and path != "/" and 0 < leads <= number
                require(leads == number or few, f"{what} leads to {leads} leads: {link}")
                seen[table] = seen.get(table, 0) + 1
        say(f"{sum(seen.values())} numbers of {len(seen)} tables: {seen}")
        require(len(seen) >= 10 and sum(seen.values()) >= 100, f"so few prove nothing: {seen}")
        dashboard.stop()
        world.services[0].stop()
    finally:
        dashboard.close()
        world.close()


def brokers_go_away():
    """While they are away it shows what it has, and since when that is stale; then it goes on."""
    world, dashboard = begin("dashboard-away")
    try:
        world.publish([created("before", now_ms())])
        wait_for("the lead", lambda: "before" in dashboard.leads("latest"), SOON_S)
        stack("kill", "kafka")
        wait_for("it to say so", lambda: re.search(r"stale since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: ", dashboard.page("/")), 60)
        require("before" in dashboard.page("/"), "what it had is gone")
        status, _, text = dashboard.ask("/readyz")
        require(status == 503 and "stale since" in text, f"/readyz: {status} {text}")
        stack("start", "kafka")
        world.publish([created("after", now_ms())])
        wait_for("the next lead", lambda: "after" in dashboard.leads("latest"), 120)
        wait_for("it to be fresh", lambda: "stale since" not in dashboard.page("/"), 60)
        dashboard.stop()
    finally:
        stack("up")
        dashboard.close()
        world.close()


def cpu_of_looking(dashboard, viewers, seconds=6):
    """Seconds of CPU that pages for so many viewers take, their answers, and how many pages were made."""
    made = lambda: next(row["count"] for row in dashboard.tables("/service")["dashboard"] if row["what"] == "pages made")
    answers = []
    time.sleep(1.1)
    pages, cpu, begun = made(), cpu_seconds(dashboard.process.pid), time.monotonic()

    def look():
        while time.monotonic() < begun + seconds:
            answers.append(dashboard.page("/leads"))
            time.sleep(0.5)

    threads = [threading.Thread(target=look) for _ in range(viewers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lasted, cpu = time.monotonic() - begun, cpu_seconds(dashboard.process.pid) - cpu
    time.sleep(1.1)
    pages = made() - pages
    say(f"{viewers} viewers: {len(answers)} answers, {pages} pages made in {lasted:.1f} s, {cpu:.2f} s of CPU")
    return cpu, len(answers), pages, lasted


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fifty_viewers():
    """However many look at a page, it is made once a second, and what they take is that of handing it out."""
    world, dashboard = begin("dashboard-viewers")
    try:
        at = now_ms()
        world.publish([created(f"lead-{i}", at - i) for i in range(LEADS_TO_LOOK_AT)])
        wait_for("the leads", lambda: f"{LEADS_TO_LOOK_AT} leads: " in dashboard.page("/leads"), 60)
        making = time_of_making(dashboard)
        cpu, answers, pages, lasted = cpu_of_looking(dashboard, 50)
        require(answers >= 100, f"so few answers prove nothing: {answers}")
        require(2 <= pages <= lasted + 4, f"{pages} pages were made in {lasted:.1f} s")
        each = cpu / answers
        say(f"an answer takes {each * 1000:.2f} ms of CPU, the pages' making included; a page {making * 1000:.1f} ms to make")
        require(0 < each < making / 3, "a viewer more costs as much as a page")
        dashboard.stop()
        world.services[0].stop()
    finally:
        dashboard.close()
        world.close()


def time_of_making(dashboard, n=60):
    """Seconds of CPU: lists that were never asked for before are made anew."""
    begun = cpu_seconds(dashboard.process.pid)
    for i in range(n):
        dashboard.page(f"/leads?days={1000 + i}")
    return (cpu_seconds(dashboard.process.pid) - begun) / n


TESTS = {
    test.__name__: test
    for test in (
        a_lead_comes_breaks_and_is_taken_back,
        a_lead_is_told_as_inspect_tells_it,
        nothing_leaves_the_origin,
        numbers_lead_to_their_leads,
        fifty_viewers,
        brokers_go_away,
    )
}

if __name__ == "__main__":
    sys.exit(main(TESTS))
