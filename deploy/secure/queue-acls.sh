#!/bin/sh
# queue-acls.sh WORD... - in place of kafka-acls.sh: keeps a command for Acls.java, in the file that ACLS_QUEUE names.
{
    printf '%s\0' "$@"
    printf '\0'
} >>"$ACLS_QUEUE"
