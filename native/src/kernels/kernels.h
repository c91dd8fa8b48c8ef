/* kernels.h - the int8 arithmetic that takes most of the time, one table for each instruction set,
 * all bit for bit equal; each has the one for float32, floats.h, of the same machines.
 *
 * The main kernel is an indirect matrix product: each output position reads `segments` runs of
 * consecutive bytes, anywhere in memory (the rows of a convolution's window; one run for a fully
 * connected layer), and multiplies them by every channel's weights. Accumulators are int32 and may
 * not overflow: packing refuses weights that could. Requantisation is XNNPACK's: the accumulator as
 * a float times the channel's scale, rounded to nearest even, plus the zero point, clamped. */
#pragma once

#include "kernels/floats.h"
#include "tagnode.h"

enum { KERNELS_BLOCK = 16 /* channels that are computed together */ };

/* Weights of a convolution, packed for one table. */
typedef struct {
    uint32_t channels;      /* outputs */
    uint32_t segments;      /* runs of input bytes that a position reads, 1 or more */
    uint32_t length;        /* bytes of a run that are used, 1 or more */
    uint32_t padded_length; /* bytes of a run that are read: length rounded up to a multiple of 4 */
    void *weights; /* in the layout of the table, 64-byte aligned; the arrays below follow */
    int32_t *bias; /* channels, rounded up to blocks of 16; includes input_zero_point */
    float *scale;  /* likewise: input scale * weight scale / output scale; finite, > 0 */
    int32_t input_zero_point; /* the value of padding */
    int32_t zero_point;       /* of the output, -128 .. 127 */
    int8_t low, high;         /* clamp */
} kernels_weights;

/* The input of positions: the s-th run of position p is at runs[p * pitch + s] + p * step, of which
 * padded_length bytes may be read. Positions along a row are `step` bytes apart and share their
 * pointers (pitch 0); with pitch = segments and step = 0 each has its own. */
typedef struct {
    const int8_t *const *runs;
    size_t pitch;
    ptrdiff_t step;
    uint32_t positions; /* 1 or more */
} kernels_input;

typedef struct {
    const char *name; /* "portable", "avx2", "avxvnni", "avx512vnni", "neon", "neondot",
                         "simd128" */

    /* Returns the bytes that pack needs, a multiple of 64. */
    size_t (*packed_size)(uint32_t channels, uint32_t segments, uint32_t length);

    /* Packs `filters`, [channels][segments][length], into `memory` (packed_size bytes, 64-byte
     * aligned) and fills in `packed` except scale's values, zero_point, low and high, which the
     * caller sets; bias is [channels], may be NULL. Returns false if an input exists for which a
     * sum overflows int32; `packed` must not be used then. [main] */
    bool (*pack)(const int8_t *filters, const int32_t *bias, int32_t input_zero_point,
                 uint32_t channels, uint32_t segments, uint32_t length, void *memory,
                 kernels_weights *packed);

    /* Writes channels [first_channel, first_channel + count) of position p to
     * output + p * stride + first_channel .. (first_channel a multiple of 16; count one too, or up
     * to the last channel). Best with 5 blocks of 16 or fewer, 4 and 5 being the fastest. */
    void (*product)(const kernels_weights *weights, const kernels_input *input,
                    uint32_t first_channel, uint32_t count, int8_t *output, size_t stride)
        TAGNODE_NONBLOCKING;

    /* The same, then the maximum over the positions, combined with what is in `output` (channels
     * bytes) if `join`: convolution and max pooling over frequency in one. */
    void (*product_max)(const kernels_weights *weights, const kernels_input *input,
                        uint32_t first_channel, uint32_t count, int8_t *output, bool join)
        TAGNODE_NONBLOCKING;

    /* output[c] = bias[c] + the sum over taps of inputs[t][c] * filters[t][c], requantised, of
     * weights' channels; its weights are not used. Reads up to the next multiple of 16 channels.
     * The caller sees to it that the sums of the absolute values fit int32. */
    void (*weigh)(const int8_t *const *inputs, const int8_t *const *filters, uint32_t taps,
                  const kernels_weights *weights, int8_t *output) TAGNODE_NONBLOCKING;

    /* output[i] = the greatest of rows[r][i], within low and high; rows may be 0. */
    void (*greatest)(const int8_t *const *rows, uint32_t count, size_t length, int8_t low,
                     int8_t high, int8_t *output) TAGNODE_NONBLOCKING;

    /* output[4 * i + r] = rows[r][i] for i below count: combines four runs of 1 byte into one of 4.
     * Runs shorter than 4 are padded to 4, so a convolution one byte wide (filters
     * [channels][segments][1], segments a multiple of 4) costs four times less as
     * [channels][segments / 4][4], which is the same memory, over rows interleaved by fours:
     * position p, byte p of the rows, reads at 4 * p (step 4). */
    void (*interleave4)(const int8_t *const *rows, uint32_t count, int8_t *output)
        TAGNODE_NONBLOCKING;

    const floats_table *floats;
} kernels_table;

/* Returns the best table for this machine, or the one that TAGNODE_ISA names if the machine
 * supports it; "avx512" means the best one with AVX-512. [main] */
const kernels_table *kernels_select(void);

/* Returns the tables for this machine by index, from the portable one at 0; NULL past the last. For
 * tests and benchmarks. [main] */
const kernels_table *kernels_at(uint32_t index);
