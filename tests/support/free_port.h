/* free_port.h - a port of loopback that nobody listens at. */
#pragma once

int free_port(void);
