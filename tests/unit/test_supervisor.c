/* test_supervisor.c - what systemd is told, seen from its end of the socket. */
#include <leadclock/service.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* systemd's end. */
typedef struct {
    char *folder, *path;
    int socket;
} listener;

static int
listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    int made = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(made >= 0);
    memcpy(address.sun_path, path, length);
    if (*path == '@')
        address.sun_path[0] = '\0';
    assert_int_equal(
        bind(made, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)), 0);
    return made;
}

static int
open_listener(void **state)
{
    listener *l = g_new0(listener, 1);
    l->folder = g_dir_make_tmp("leadclock-notify-XXXXXX", NULL);
    l->path = g_build_filename(l->folder, "socket", NULL);
    l->socket = listen_at(l->path);
    g_setenv("NOTIFY_SOCKET", l->path, TRUE);
    *state = l;
    return 0;
}

static int
close_listener(void **state)
{
    listener *l = *state;
    close(l->socket);
    g_unlink(l->path);
    g_rmdir(l->folder);
    g_free(l->path);
    g_free(l->folder);
    g_free(l);
    g_unsetenv("NOTIFY_SOCKET");
    g_unsetenv("WATCHDOG_USEC");
    g_unsetenv("WATCHDOG_PID");
    return 0;
}

/* What has come by now, a space between: "STATUS=ok READY=1". */
static char *
heard(int socket)
{
    GString *all = g_string_new(NULL);
    char message[4096];
    for (ssize_t n; (n = recv(socket, message, sizeof message, 0)) >= 0;)
        g_string_append_printf(all, "%s%.*s", all->len ? " " : "", (int)n, message);
    return g_string_free(all, FALSE);
}

#define assert_heard(l, expected)                                                                                      \
    do {                                                                                                               \
        g_autofree char *said = heard((l)->socket);                                                                    \
        assert_string_equal(said, expected);                                                                           \
    } while (0)

static void
nobody_is_told_where_nobody_asks(void **state)
{
    (void)state;
    g_unsetenv("NOTIFY_SOCKET");
    g_autoptr(lc_supervisor) supervisor = lc_supervisor_new();
    assert_null(supervisor);
    assert_int_equal(lc_supervisor_interval_ms(NULL), -1);
    lc_supervisor_tell(NULL, true, true, "ok\n", 0);
    lc_supervisor_reloading(NULL);
    lc_supervisor_reloaded(NULL);
    lc_supervisor_stopping(NULL, "stopping");
}

static void
an_address_that_is_none_is_the_same_as_none(void **state)
{
    (void)state;
    g_autofree char *long_name = g_strnfill(200, '/');
    const char *const names[] = {"", "relative", "@", "/", long_name};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_setenv("NOTIFY_SOCKET", names[i], TRUE);
        assert_null(lc_supervisor_new());
    }
    g_unsetenv("NOTIFY_SOCKET");
}

static void
ready_is_said_once_and_the_status_when_it_changes(void **state)
{
    const listener *l = *state;
    g_autoptr(lc_supervisor) supervisor = lc_supervisor_new();
    lc_supervisor_tell(supervisor, true, false, "partition 0: recovering\nworker 1 waits for Kafka\n", 0);
    assert_heard(l, "STATUS=partition 0: recovering; worker 1 waits for Kafka EXTEND_TIMEOUT_USEC=60000000");
    lc_supervisor_tell(supervisor, true, true, "ok\n", 200);
    assert_heard(l, "STATUS=ok READY=1");
    lc_supervisor_tell(supervisor, true, true, "ok\n", 400);
    assert_heard(l, "");
    lc_supervisor_tell(supervisor, true, false, "a\nb\nc\nd\ne\n", 600);
    assert_heard(l, "STATUS=a; b; c; and 2 more");
    lc_supervisor_tell(supervisor, true, true, "ok\n", 800);
    assert_heard(l, "STATUS=ok");
}

static void
time_to_start_is_extended_only_while_it_is_alive(void **state)
{
    const listener *l = *state;
    g_autoptr(lc_supervisor) supervisor = lc_supervisor_new();
    lc_supervisor_tell(supervisor, true, false, "slow\n", 0);
    assert_heard(l, "STATUS=slow EXTEND_TIMEOUT_USEC=60000000");
    lc_supervisor_tell(supervisor, true, false, "slow\n", 9999);
    assert_heard(l, "");
    lc_supervisor_tell(supervisor, true, false, "slow\n", 10000);
    assert_heard(l, "EXTEND_TIMEOUT_USEC=60000000");
    lc_supervisor_tell(supervisor, false, true, "hangs\n", 30000);
    assert_heard(l, "STATUS=hangs");
}

static void
the_watchdog_hears_nothing_of_a_loop_that_hangs(void **state)
{
    const listener *l = *state;
    g_autofree char *pid = g_strdup_printf("%d", (int)getpid());
    g_setenv("WATCHDOG_USEC", "2000000", TRUE);
    g_setenv("WATCHDOG_PID", pid, TRUE);
    g_autoptr(lc_supervisor) supervisor = lc_supervisor_new();
    lc_supervisor_tell(supervisor, true, true, "ok\n", 0);
    assert_heard(l, "WATCHDOG=1 STATUS=ok READY=1");
    assert_int_equal(lc_supervisor_interval_ms(supervisor), 500);
    lc_supervisor_tell(supervisor, true, true, "ok\n", 999);
    assert_heard(l, "");
    lc_supervisor_tell(supervisor, true, true, "ok\n", 1000);
    assert_heard(l, "WATCHDOG=1");
    lc_supervisor_tell(supervisor, false, true, "ok\n", 5000);
    assert_heard(l, "");
    lc_supervisor_tell(supervisor, true, true, "ok\n", 5100);
    assert_heard(l, "WATCHDOG=1");
}

static void
a_watchdog_of_another_process_is_not_fed(void **state)
{
    const listener *l = *state;
    g_setenv("WATCHDOG_USEC", "2000000", TRUE);
    g_setenv("WATCHDOG_PID", "1", TRUE);
    g_autoptr(lc_supervisor) supervisor = lc_supervisor_new();
    lc_supervisor_tell(supervisor, true, true, "ok\n", 0);
    assert_heard(l, "STATUS=ok READY=1");
}

static void
a_reload_is_said_around_what_it_does(void **state)
{
    const listener *l = *state;
    g_autoptr(lc_supervisor) supervisor = lc_supervisor_new();
    lc_supervisor_reloading(supervisor);
    lc_supervisor_reloaded(supervisor);
    assert_heard(l, ""); /* it was not ready yet, so READY would be a lie */
    lc_supervisor_tell(supervisor, true, true, "ok\n", 0);
    assert_heard(l, "STATUS=ok READY=1");
    int64_t before = g_get_monotonic_time(), at;
    lc_supervisor_reloading(supervisor);
    int64_t after = g_get_monotonic_time();
    g_autofree char *said = heard(l->socket);
    assert_true(g_str_has_prefix(said, "RELOADING=1\nMONOTONIC_USEC="));
    at = g_ascii_strtoll(strrchr(said, '=') + 1, NULL, 10);
    assert_true(before <= at && at <= after);
    lc_supervisor_reloaded(supervisor);
    assert_heard(l, "READY=1");
}

static void
of_one_that_stops_only_the_watchdog_hears(void **state)
{
    const listener *l = *state;
    g_setenv("WATCHDOG_USEC", "2000000", TRUE);
    g_autoptr(lc_supervisor) supervisor = lc_supervisor_new();
    lc_supervisor_stopping(supervisor, "stopping");
    assert_heard(l, "STATUS=stopping STOPPING=1");
    lc_supervisor_tell(supervisor, true, true, "ok\n", 0);
    assert_heard(l, "WATCHDOG=1");
}

static void
what_does_not_go_through_is_said_again(void **state)
{
    listener *l = *state;
    g_autoptr(lc_supervisor) supervisor = lc_supervisor_new();
    close(l->socket);
    g_unlink(l->path);
    lc_supervisor_tell(supervisor, true, true, "ok\n", 0);
    l->socket = listen_at(l->path);
    lc_supervisor_tell(supervisor, true, true, "ok\n", 200);
    assert_heard(l, "STATUS=ok READY=1");
}

static void
an_abstract_address_is_reached(void **state)
{
    (void)state;
    g_autofree char *name = g_strdup_printf("@leadclock-test-%d", (int)getpid());
    listener abstract = {.socket = listen_at(name)};
    g_setenv("NOTIFY_SOCKET", name, TRUE);
    g_autoptr(lc_supervisor) supervisor = lc_supervisor_new();
    lc_supervisor_tell(supervisor, true, true, "ok\n", 0);
    assert_heard(&abstract, "STATUS=ok READY=1");
    close(abstract.socket);
    g_unsetenv("NOTIFY_SOCKET");
}

#define WITH_LISTENER(test) cmocka_unit_test_setup_teardown(test, open_listener, close_listener)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_told_where_nobody_asks),
        cmocka_unit_test(an_address_that_is_none_is_the_same_as_none),
        WITH_LISTENER(ready_is_said_once_and_the_status_when_it_changes),
        WITH_LISTENER(time_to_start_is_extended_only_while_it_is_alive),
        WITH_LISTENER(the_watchdog_hears_nothing_of_a_loop_that_hangs),
        WITH_LISTENER(a_watchdog_of_another_process_is_not_fed),
        WITH_LISTENER(a_reload_is_said_around_what_it_does),
        WITH_LISTENER(of_one_that_stops_only_the_watchdog_hears),
        WITH_LISTENER(what_does_not_go_through_is_said_again),
        cmocka_unit_test(an_abstract_address_is_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
