#include "descriptors/balance.h"

#include "descriptors/decibel.h"
#include "descriptors/vectors.h"

#include <math.h>
#include <string.h>

static const float MOST_SIDE_DB = 60;
static const double SILENT = 1e-9; /* mean square of both channels, -90 dBFS */

void tagnode_balance_init(tagnode_balance *b, uint32_t channels, uint32_t block_chunks) {
    memset(b, 0, sizeof *b);
    b->channels = channels;
    b->samples = (double)block_chunks * TAGNODE_CHUNK * TAGNODE_BLOCKS_3_S;
}

void tagnode_balance_reset(tagnode_balance *b) {
    memset(&b->now, 0, sizeof b->now);
    memset(b->block, 0, sizeof b->block);
    b->at = 0;
}

static void add_channel(const float *x, double *sum, double *square) TAGNODE_NONBLOCKING {
    tagnode_vector plain[2] = {{0}, {0}}, squares[2] = {{0}, {0}};
    for (size_t i = 0; i < TAGNODE_CHUNK; i += 2 * TAGNODE_LANES)
        for (size_t j = 0; j < 2; ++j) {
            const tagnode_vector v = *(const tagnode_vector *)(x + i + j * TAGNODE_LANES);
            plain[j] += v;
            squares[j] += v * v;
        }
    *sum += (double)tagnode_sum_lanes(plain[0] + plain[1]);
    *square += (double)tagnode_sum_lanes(squares[0] + squares[1]);
}

static void add_pair(const float *left, const float *right, double *middle, double *side)
    TAGNODE_NONBLOCKING {
    tagnode_vector middles[2] = {{0}, {0}}, sides[2] = {{0}, {0}};
    for (size_t i = 0; i < TAGNODE_CHUNK; i += 2 * TAGNODE_LANES)
        for (size_t j = 0; j < 2; ++j) {
            const tagnode_vector l = *(const tagnode_vector *)(left + i + j * TAGNODE_LANES);
            const tagnode_vector r = *(const tagnode_vector *)(right + i + j * TAGNODE_LANES);
            middles[j] += (l + r) * (l + r);
            sides[j] += (l - r) * (l - r);
        }
    *middle += (double)tagnode_sum_lanes(middles[0] + middles[1]);
    *side += (double)tagnode_sum_lanes(sides[0] + sides[1]);
}

void tagnode_balance_process(tagnode_balance *b, const float *const *samples) {
    for (uint32_t c = 0; c < b->channels; ++c)
        add_channel(samples[c], &b->now.sum[c], &b->now.square[c]);
    if (b->channels > 1) add_pair(samples[0], samples[1], &b->now.middle, &b->now.side);
}

/* LFE is excluded, as from loudness: it is often silent, or the loudest. */
static bool counts(const tagnode_balance *b, uint32_t channel) TAGNODE_NONBLOCKING {
    return !(b->channels >= 6 && channel == 3);
}

static void read_channels(const tagnode_balance *b, const tagnode_balance_sums *all,
                          tagnode_balance_reading *r) TAGNODE_NONBLOCKING {
    double low = INFINITY, high = 0, offset = 0;
    for (uint32_t c = 0; c < b->channels; ++c) {
        const double mean = fabs(all->sum[c]) / b->samples;
        offset = mean > offset ? mean : offset;
        if (!counts(b, c)) continue;
        low = all->square[c] < low ? all->square[c] : low;
        high = all->square[c] > high ? all->square[c] : high;
    }
    r->low_db = tagnode_power_db(low / b->samples, 0);
    r->high_db = tagnode_power_db(high / b->samples, 0);
    r->offset_db = tagnode_power_db(offset * offset, 0);
}

static float side_db(double middle, double side) TAGNODE_NONBLOCKING {
    const double most = pow(10, (double)MOST_SIDE_DB / 10);
    if (!(side * most > middle)) return -MOST_SIDE_DB;
    if (!(middle * most > side)) return MOST_SIDE_DB;
    return (float)(10 * log10(side / middle));
}

/* Of the first two channels; mono, and silence, count as two equal ones. */
static void read_pair(const tagnode_balance *b, const tagnode_balance_sums *all,
                      tagnode_balance_reading *r) TAGNODE_NONBLOCKING {
    r->correlation = 1;
    r->side_db = -MOST_SIDE_DB;
    if (b->channels < 2 || all->square[0] + all->square[1] < 2 * SILENT * b->samples) return;
    r->side_db = side_db(all->middle, all->side);
    const double both = sqrt(all->square[0]) * sqrt(all->square[1]);
    const double product = (all->middle - all->side) / 4;
    const double c = both > 0 ? product / both : 0;
    r->correlation = c > 1 ? 1 : c < -1 ? -1 : (float)c;
}

tagnode_balance_reading tagnode_balance_block(tagnode_balance *b) {
    b->block[b->at] = b->now;
    b->at = (b->at + 1) % TAGNODE_BLOCKS_3_S;
    memset(&b->now, 0, sizeof b->now);
    tagnode_balance_sums all = {0};
    for (uint32_t i = 0; i < TAGNODE_BLOCKS_3_S; ++i) {
        const tagnode_balance_sums *one = &b->block[i];
        for (uint32_t c = 0; c < b->channels; ++c) {
            all.sum[c] += one->sum[c];
            all.square[c] += one->square[c];
        }
        all.middle += one->middle;
        all.side += one->side;
    }
    tagnode_balance_reading r;
    read_channels(b, &all, &r);
    read_pair(b, &all, &r);
    return r;
}
