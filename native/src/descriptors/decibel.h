/* decibel.h - powers in dB, with silence at -120. */
#pragma once

#include <math.h>

#include "tagnode.h"

static const float TAGNODE_SILENT_DB = -120.0F;

/* 10 log10 of a power plus an offset, at least -120. */
static inline float tagnode_power_db(double power, double offset_db) TAGNODE_NONBLOCKING {
    const double db = power > 0 ? 10 * log10(power) + offset_db : -1000;
    return db > (double)TAGNODE_SILENT_DB ? (float)db : TAGNODE_SILENT_DB;
}
