/* floats_pack.c - the layout of float weights, which is that of all tables. */
#include "kernels/floats.h"

#include <string.h>

static size_t blocks_of(uint32_t channels) {
    return ((size_t)channels + FLOATS_BLOCK - 1) / FLOATS_BLOCK;
}

size_t floats_packed_size(uint32_t channels, uint32_t taps) {
    return blocks_of(channels) * ((size_t)taps + 3) * FLOATS_BLOCK * sizeof(float);
}

void floats_pack(const float *filters, const float *bias, uint32_t channels, uint32_t taps,
                 void *memory, floats_weights *packed) {
    float *weights = memset(memory, 0, floats_packed_size(channels, taps));
    *packed = (floats_weights){.channels = channels,
                               .length = taps,
                               .taps = taps,
                               .weights = weights,
                               .bias = weights + blocks_of(channels) * taps * FLOATS_BLOCK};
    for (size_t c = 0; c < channels; ++c) {
        float *lane = weights + c / FLOATS_BLOCK * taps * FLOATS_BLOCK + c % FLOATS_BLOCK;
        for (size_t t = 0; t < taps; ++t) lane[t * FLOATS_BLOCK] = filters[c * taps + t];
        if (bias != NULL) packed->bias[c] = bias[c];
    }
}
