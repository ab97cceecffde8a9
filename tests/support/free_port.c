/* free_port.c - the system says which one it is. */
#include "free_port.h"

#include "asserting.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

int
free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int one = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(one, (struct sockaddr *)&at, size), 0);
    assert_int_equal(getsockname(one, (struct sockaddr *)&at, &size), 0);
    close(one);
    return ntohs(at.sin_port);
}
