/* avxvnni.c - the kernels with AVX-VNNI, for processors that have it without AVX-512. */
#include <stdint.h>

#define NEAR_WEIGHTS ((size_t)20 << 10) /* leaves a third of an L1 cache for the inputs */
#define INPUT_OFFSET 128                /* vpdpbusd's first factor is unsigned */
#define STAGED uint8_t
#define MOST_POSITIONS 5
enum { LAYOUT_GROUP = 4, MOST_BLOCKS = 8, MOST_SUMS = 40 };
typedef int8_t packed_weight;

#include "kernels/staged256.h"

ALWAYS_INLINE void stage(const int8_t *bytes, uint32_t count, uint8_t *staged) {
    for (; count >= 32; count -= 32, bytes += 32, staged += 32)
        store(staged, _mm256_xor_si256(load(bytes), _mm256_set1_epi8(INT8_MIN)));
    for (; count > 0; count -= 4, bytes += 4, staged += 4) {
        uint32_t four;
        memcpy(&four, bytes, sizeof four);
        four ^= 0x80808080U;
        memcpy(staged, &four, sizeof four);
    }
}

ALWAYS_INLINE __m256i multiply_add(__m256i sum, __m256i input, __m256i weights) {
    return _mm256_dpbusd_avx_epi32(sum, input, weights);
}

#include "kernels/positions.h"

KERNELS_TABLE(avxvnni, avx2);
