/* median.h - medians of nine rows, element by element. */
#pragma once

#include "tagnode.h"

enum { TAGNODE_MEDIAN = 9 };

/* median[i] of rows[0][i] .. rows[8][i]; no row may overlap `median`. */
void tagnode_median(const float *const rows[TAGNODE_MEDIAN], size_t count, float *median)
    TAGNODE_NONBLOCKING;
