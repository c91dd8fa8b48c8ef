/* floats.h - the float32 arithmetic that takes most of the time, one table for each instruction
 * set.
 *
 * A result is a sum that is formed in one order, whatever the number of positions, channels or taps
 * that are computed at once, so that any division of the work gives the same bits. Where the
 * instruction set has it, product and weigh fuse multiplication and addition: those tables are bit
 * for bit equal, and the portable one differs from them in the last bits. All else is equal in all
 * tables. */
#pragma once

#include "tagnode.h"

enum { FLOATS_BLOCK = 16 /* channels that are packed together */ };

/* Weights of a convolution. */
typedef struct {
    uint32_t channels;
    uint32_t length, taps; /* values of a run that are used; of all runs of a position */
    float *weights;        /* [block of 16 channels][tap][16], 64-byte aligned */
    float *bias;           /* channels, rounded up to blocks */
    float low, high;       /* clamp */
    float *scale, *shift;  /* like bias, or NULL: what follows the clamp, not fused */
    bool is_shifted;       /* by more than 0 */
} floats_weights;

/* Some taps of some positions: the s-th run of position p, of those that these taps touch, is at
 * runs[p * pitch + s] + p * step (floats); its first `skip` values come before `first`. Positions
 * along a row share their pointers (pitch 0), otherwise each has its own (step 0). */
typedef struct {
    const float *const *runs;
    size_t pitch;
    ptrdiff_t step;
    uint32_t positions;
    uint32_t first, count, skip; /* taps */
} floats_input;

/* Functions of one value, within 3 units of the last place. */
typedef enum { FLOATS_EXP, FLOATS_ELU, FLOATS_LOGISTIC, FLOATS_TANH, FLOATS_FUNCTIONS } floats_code;

typedef struct {
    const char *name;
    /* Blocks of a tile, and the positions that are fastest with 1 .. most_blocks blocks. */
    uint32_t most_blocks, tile_positions[4];

    /* Adds the products of these taps to channels first_channel, a multiple of 16, and on, `count`
     * of them, of each position: output[p] points at its first channel. The first taps start from
     * the bias instead of the output; the last ones are followed by clamp, scale and shift. */
    void (*product)(const floats_weights *weights, const floats_input *input,
                    uint32_t first_channel, uint32_t count, float *const *output)
        TAGNODE_NONBLOCKING;

    /* output[c] = bias[c] + the sum over taps of inputs[t][c] * weights[t][c], likewise followed by
     * clamp, scale and shift. Reads up to the next multiple of 16 channels. */
    void (*weigh)(const float *const *inputs, const float *const *weights, uint32_t taps,
                  const floats_weights *of, float *output) TAGNODE_NONBLOCKING;

    /* sums[u] += the inner product of `input` and the vector at weights + u * apart: 16 partial
     * sums, added up as a tree. */
    void (*dot)(const float *input, const float *weights, size_t length, size_t apart,
                uint32_t units, float *sums) TAGNODE_NONBLOCKING;

    /* output[i] = f(scale * (input[i] - offset)); they may be the same. */
    void (*function)(floats_code code, float offset, float scale, const float *input, float *output,
                     size_t count) TAGNODE_NONBLOCKING;
} floats_table;

/* Returns the bytes that floats_pack needs, a multiple of 64. */
size_t floats_packed_size(uint32_t channels, uint32_t taps);

/* Packs `filters`, [channels][taps], into `memory` (64-byte aligned); bias is [channels], may be
 * NULL. The caller sets length, low and high, and scale and shift if needed, for which there is
 * room behind the bias, 0. [main] */
void floats_pack(const float *filters, const float *bias, uint32_t channels, uint32_t taps,
                 void *memory, floats_weights *packed);
