#!/usr/bin/env python3
"""browsing.py [TEST...] - the dashboard in a real browser (headless Chromium), as wide as a desk's screen and as a phone's.
LC_PICTURES=FOLDER keeps a picture of each page."""

import os
import sys
import time

from alerting import HOUR, MINUTE, contacted, created
from browser import Browser
from dashboard import SOON_S, begin
from world import main, now_ms, require, say, wait_for

SIZES = ((1440, 900), (360, 740))
SCRIPT = "<script>alert(1)</script>"
IMAGE = "<img src=x onerror=alert(2)>"
LONG = "a-name-without-any-place-to-break-it-" * 6
PAGES = ["/", "/worklist", "/promises", "/channels", "/routes", "/service", "/leads", "/leads?channel=none", "/lead?id=nobody"]
WITH_TABLES = ("/worklist", "/promises", "/routes", "/leads")


def text_of(browser, section):
    return browser.ask(f"(document.getElementById('{section}') || {{}}).innerText || ''")


def wait_to_see(browser, section, lead, is_there=True, seconds=SOON_S):
    begun = time.monotonic()
    what = f"{lead} to be {'in' if is_there else 'gone from'} {section}"
    wait_for(what, lambda: (lead in text_of(browser, section)) == is_there, seconds)
    say(f"{what}: after {time.monotonic() - begun:.1f} s")


def look_at(browser, url, name, width):
    """It fits, and has what every page has. A phone's window.innerWidth grows with what is in it, so it is no measure."""
    browser.go(url)
    wide = browser.ask("document.documentElement.scrollWidth")
    require(wide <= width, f"{name} is {wide} pixels wide, and there are {width}")
    require(browser.ask("document.querySelectorAll('main h1').length") == 1, f"{name} has no heading")
    out = browser.ask("Array.from(document.querySelectorAll('main *')).filter(e => !e.closest('.scroll') && "
                      f"e.getBoundingClientRect().right > {width} + 1).map(e => e.tagName).join()")  # fmt: skip
    require(not out, f"{name}: {out} reaches beyond the edge")
    if os.environ.get("LC_PICTURES"):
        browser.picture(os.path.join(os.environ["LC_PICTURES"], name.strip("/").replace("/", "-").replace("?", "-") + ".png"))


def look_at_phone(browser, path):
    """A table that scrolls shows that it does; a lead of the work list needs no scrolling."""
    scroll = "document.querySelector('.scroll')"
    shades = browser.ask(f"{scroll} ? getComputedStyle({scroll}).backgroundAttachment : 'no table'")
    require(shades == "local, local, scroll, scroll", f"{path}: {shades}")
    if path == "/worklist":
        wide = browser.ask("(s => s.scrollWidth - s.clientWidth)(document.querySelector('#worklist .scroll'))")
        require(wide <= 0, f"the work list is {wide} pixels wider than a phone")
        shown = browser.ask("Array.from(document.querySelectorAll('#worklist tbody td')).filter(e => e.innerText.trim() == '-' && "
                            "e.getClientRects().length).length")  # fmt: skip
        absent = browser.ask("document.querySelectorAll('#worklist tbody .none').length")
        require(absent > 0 and shown == 0, f"{shown} cells with nothing to tell take room, of {absent}")
        bare = browser.ask("document.querySelectorAll('#worklist :is(table,thead,tbody,tr,th,td):not([role])').length")
        require(bare == 0, f"{bare} parts of the work list's table don't say what they are")


def a_lead_comes_breaks_and_is_taken_back_before_ones_eyes():
    """On a page that is open: a lead comes, breaks, and is taken back; whoever names things can't run a script."""
    world, dashboard = begin("browsing")
    browser, origin = None, f"http://127.0.0.1:{dashboard.port}/"
    try:
        browser = Browser(world.folder)
        browser.size(*SIZES[0])
        browser.go(origin)
        at = now_ms()
        world.publish([created("newcomer", at, SCRIPT, IMAGE)])
        wait_to_see(browser, "latest", "newcomer")
        require(SCRIPT in text_of(browser, "latest") and IMAGE in text_of(browser, "latest"), text_of(browser, "latest"))
        wait_to_see(browser, "broken", "newcomer", seconds=4 + SOON_S)
        world.publish([contacted("newcomer", at + 1000)])
        wait_to_see(browser, "broken", "newcomer", is_there=False)
        require("No promise is broken." in text_of(browser, "broken"), text_of(browser, "broken"))
        require(browser.ask("document.querySelectorAll('main script, main img').length") == 0, "a name became an element")
        require(not browser.complaints, f"{browser.complaints}")
        strangers = [url for url in browser.requests if not url.startswith(origin) and not url.startswith("about:")]
        require(len(browser.requests) > 5 and not strangers, f"of {len(browser.requests)} requests these left: {strangers}")
        dashboard.stop()
        world.services[0].stop()
    finally:
        if browser:
            browser.close()
        dashboard.close()
        world.close()


def every_page_fits():
    """At both sizes no page is wider than the screen, also with long names, and names that try to be scripts stay text."""
    world, dashboard = begin("browsing-pages")
    browser, origin = None, f"http://127.0.0.1:{dashboard.port}"
    try:
        browser = Browser(world.folder)
        at = now_ms() - 3 * HOUR
        facts = [created(f"lead {i}", at - i * HOUR, ("demo", SCRIPT, LONG)[i % 3], ("ann", IMAGE, LONG)[i % 3]) for i in range(9)]
        facts += [contacted("lead 1", at + MINUTE), dict(created(LONG, at, LONG, LONG), event_id="long")]
        facts += [{"type": "LeadRejected", "event_id": f"r{i}", "lead_id": f"lead {i}", "occurred_at": at + HOUR, "reason": reason}
                  for i, reason in ((2, SCRIPT), (3, LONG), (4, "other"))]  # fmt: skip
        world.publish(facts)
        world.settle()
        wait_for("the leads", lambda: len(dashboard.leads("leads", "/leads")) == 10, SOON_S)
        for width, height in SIZES:
            browser.size(width, height)
            for path in [*PAGES, "/lead/lead%202", "/lead/" + LONG]:
                look_at(browser, origin + path, f"{path[:40]}-{width}", width)
                if path in WITH_TABLES:
                    require(browser.ask("document.querySelectorAll('main table').length") > 0, f"{path} has no table")
                    if width == SIZES[1][0]:
                        look_at_phone(browser, path)
                require(browser.ask("document.querySelectorAll('main script, main img').length") == 0, f"{path}: a name is an element")
        browser.go(origin + "/routes")
        require(SCRIPT in browser.ask("document.body.innerText"), "the reason is not told as it is")
        complaints = [text for text in browser.complaints if "/lead?id=nobody" not in text]
        require(not complaints, f"{complaints}")
        require(all(url.startswith(origin + "/") for url in browser.requests if url != "about:blank"), f"{browser.requests}")
        dashboard.stop()
        world.services[0].stop()
    finally:
        if browser:
            browser.close()
        dashboard.close()
        world.close()


TESTS = {test.__name__: test for test in (a_lead_comes_breaks_and_is_taken_back_before_ones_eyes, every_page_fits)}

if __name__ == "__main__":
    sys.exit(main(TESTS))
