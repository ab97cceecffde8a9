/* other_formats.h - what else a file of facts may be by mistake. Private to this room. */
#pragma once

#include <leadclock/base.h>

/* By the first line that is not blank, of a file that is no Avro container: what it is and what to do; NULL: JSON
 * Lines, or nothing that is known. */
const char *lc_other_format(const char *line, size_t size);
