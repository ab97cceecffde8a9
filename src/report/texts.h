/* texts.h - texts kept once each, by number: what a million rows repeat. Private to this room. */
#pragma once

#include <leadclock/base.h>

typedef struct lc_texts lc_texts;

lc_texts *lc_texts_new(void);
void lc_texts_free(lc_texts *texts);

/* 0 is the absent text. A copy is kept where it is new. */
uint32_t lc_texts_add(lc_texts *texts, lc_text text);
/* Of one that is not there: UINT32_MAX. */
uint32_t lc_texts_find(const lc_texts *texts, lc_text text);
/* With a NUL behind it; as long as the texts live. */
lc_text lc_texts_get(const lc_texts *texts, uint32_t number);
