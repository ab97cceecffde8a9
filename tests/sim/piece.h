/* piece.h - LC_PIECE_LEADS of the engine under simulation: small, so that recovery has several pieces. */
#pragma once

#include <stddef.h>

extern size_t sim_piece_leads;
