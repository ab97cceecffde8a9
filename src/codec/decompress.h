/* decompress.h - the codecs of Avro's container files. Inside the codec only. */
#pragma once

#include <leadclock/base.h>

typedef enum { LC_CODEC_NULL, LC_CODEC_DEFLATE, LC_CODEC_SNAPPY, LC_CODEC_ZSTANDARD } lc_codec;

/* By the name in a file's header; absent: null. False: there is no such codec here. */
bool lc_codec_find(lc_text name, lc_codec *codec);

/* The content of a block, into `out`, which it replaces. False: it is damaged, or takes more than 64 MiB. Not for null.
 */
bool lc_decompress(lc_codec codec, lc_text block, GByteArray *out);
