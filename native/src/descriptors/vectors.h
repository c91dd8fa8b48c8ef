/* vectors.h - SIMD vectors for any machine (GCC extension), and sums over them in a fixed order. */
#pragma once

#include "tagnode.h"

enum { TAGNODE_LANES = 4 };
typedef float tagnode_vector __attribute__((vector_size(16), aligned(4), may_alias));
typedef uint32_t tagnode_bit_vector __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t tagnode_int_vector __attribute__((vector_size(16), aligned(4), may_alias));
typedef double tagnode_pair __attribute__((vector_size(16), may_alias));

static inline float tagnode_sum_lanes(tagnode_vector x) TAGNODE_NONBLOCKING {
    return (x[0] + x[2]) + (x[1] + x[3]);
}

/* Returns `count` rounded up to whole vectors. */
static inline size_t tagnode_whole_vectors(size_t count) TAGNODE_NONBLOCKING {
    return (count + TAGNODE_LANES - 1) / TAGNODE_LANES * TAGNODE_LANES;
}
