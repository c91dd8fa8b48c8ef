/* CONV_2D in float, through the kernels' product. The sum of a result is formed over several parts
 * where there are many taps: in between it stands in the output. A part thus reads few weights, for
 * as many positions as fit in registers; rows that are shorter than that are computed together. */
#include "tagger/ops_internal.h"

/* Multiplications, so that the number of parts fits 32 bits. */
static const uint64_t MOST_WORK = UINT64_C(1) << 40;

enum {
    LANES = 16 * OPS_COST_FUSED,      /* cost of a product of one position and block */
    MOST_COST = 4 * TAGGER_PART_COST, /* of a part, some microseconds: less would cost more */
    LOADS = 2,          /* products in whose time the weights of a tap are loaded for one block */
    SHORT = 8,          /* channels below which a run is a row of the window, else a tap */
    ENOUGH = 48,        /* positions for which loading the weights costs little */
    MOST_POSITIONS = 96 /* of a part */
};

typedef struct {
    floats_weights weights;
    const floats_table *kernels;
    ops_axis_window x;
    uint32_t rows, columns; /* runs of a window: its rows, and runs in each */
    uint32_t depth, width;  /* floats of a column of the input; of a run */
    uint32_t columns_in_run;
    ops_range inner;         /* positions whose window is inside the row */
    uint32_t groups;         /* of blocks of channels */
    uint32_t most_blocks;    /* of a group */
    uint32_t tile;           /* positions that are fastest with so many */
    const float **runs;      /* of one part */
    float **output;          /* likewise, by position */
    float *copies, *padding; /* runs that are partly, and wholly, outside the input */
    size_t copy_stride;
} convolution;

/* How a number of positions divides into parts: tiles of them, ranges of taps, groups of channels,
 * the first changing fastest. */
typedef struct {
    uint32_t tiles, ranges;
} layout;

static uint32_t divided(uint64_t items, uint64_t each) TAGNODE_NONBLOCKING {
    return each == 0 || items <= each ? 1 : (uint32_t)((items + each - 1) / each);
}

static layout layout_of(const convolution *conv, uint32_t positions) TAGNODE_NONBLOCKING {
    const uint64_t budget = MOST_COST / (LANES * conv->most_blocks);
    const uint32_t tile = positions < conv->tile ? positions : conv->tile;
    layout made = {.ranges = divided(conv->weights.taps, budget / (tile + LOADS))};
    uint64_t most = tile;
    if (made.ranges == 1) most = budget / conv->weights.taps;
    if (most > MOST_POSITIONS) most = MOST_POSITIONS;
    if (most > tile) most -= most % tile;
    made.tiles = divided(positions, most < tile ? tile : most);
    return made;
}

static uint32_t most_of(uint32_t items, uint32_t parts) TAGNODE_NONBLOCKING {
    return (items + parts - 1) / parts;
}

static tagger_division divide(const tagger_step *step, uint32_t rows) TAGNODE_NONBLOCKING {
    const convolution *conv = step->state;
    const uint32_t positions = rows * conv->x.output;
    const layout made = layout_of(conv, positions);
    const uint64_t at_once = most_of(positions, made.tiles);
    const uint64_t loads = (uint64_t)LOADS * divided(at_once, conv->tile);
    const uint64_t cost = (uint64_t)LANES * conv->most_blocks * (at_once + loads) *
                          most_of(conv->weights.taps, made.ranges);
    return (tagger_division){made.tiles * made.ranges * conv->groups,
                             cost < UINT32_MAX ? (uint32_t)cost : UINT32_MAX};
}

/* ---- a part ---- */

/* The run of a window that starts at a column of the input. */
static const float *run_at(const convolution *conv, const float *row, int64_t column, float *copy)
    TAGNODE_NONBLOCKING {
    const int64_t width = conv->x.input, length = conv->columns_in_run;
    const int64_t begin = column < 0 ? 0 : column;
    const int64_t end = column + length < width ? column + length : width;
    if (row == NULL || begin >= end) return conv->padding;
    if (end - begin == length) return row + column * conv->depth;
    memset(copy, 0, conv->width * sizeof *copy);
    memcpy(copy + (begin - column) * conv->depth, row + begin * conv->depth,
           (size_t)(end - begin) * conv->depth * sizeof *copy);
    return copy;
}

/* Collects runs `first` to `end` of the window at each of these positions, which are counted
 * through all rows; returns how they follow each other. */
static floats_input collect(const convolution *conv, const float *const *rows, ops_range positions,
                            uint32_t first, uint32_t end) TAGNODE_NONBLOCKING {
    const uint32_t width = conv->x.output;
    const size_t from = positions.begin % width;
    const uint32_t count = (uint32_t)(positions.end - positions.begin);
    const bool alike =
        from >= conv->inner.begin && from + count <= conv->inner.end; /* within one row */
    const float **run = conv->runs;
    float *copy = conv->copies;
    for (size_t at = positions.begin; at < (alike ? positions.begin + 1 : positions.end); ++at) {
        const float *const *window = rows + at / width * conv->rows;
        const int64_t column = (int64_t)(at % width * conv->x.stride) - conv->x.before;
        for (uint32_t r = first; r < end; ++r, copy += conv->copy_stride)
            *run++ = run_at(conv, window[r / conv->columns],
                            column + (int64_t)(r % conv->columns) * conv->x.dilation, copy);
    }
    return (floats_input){.runs = conv->runs,
                          .pitch = alike ? 0 : end - first,
                          .step = alike ? (ptrdiff_t)((size_t)conv->x.stride * conv->depth) : 0,
                          .positions = count};
}

static void run_conv(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const convolution *conv = step->state;
    const uint32_t width = conv->x.output, all = part->count * width, taps = conv->weights.taps;
    const layout made = layout_of(conv, all);
    const uint32_t tile = part->number % made.tiles, rest = part->number / made.tiles;
    const uint32_t range = rest % made.ranges, group = rest / made.ranges;
    const ops_range positions = {(size_t)all * tile / made.tiles,
                                 (size_t)all * (tile + 1) / made.tiles};
    const uint32_t begin = (uint32_t)((uint64_t)taps * range / made.ranges);
    const uint32_t end = (uint32_t)((uint64_t)taps * (range + 1) / made.ranges);
    const size_t channels = conv->weights.channels;
    const size_t blocks = (channels + FLOATS_BLOCK - 1) / FLOATS_BLOCK;
    const size_t first = blocks * group / conv->groups * FLOATS_BLOCK;
    const size_t last = blocks * (group + 1) / conv->groups * FLOATS_BLOCK;
    floats_input input = collect(conv, (const float *const *)part->rows, positions,
                                 begin / conv->width, (end - 1) / conv->width + 1);
    input.first = begin;
    input.count = end - begin;
    input.skip = begin % conv->width;
    for (size_t p = positions.begin; p < positions.end; ++p)
        conv->output[p - positions.begin] =
            (float *)(void *)((char *)part->output + p / width * part->apart) +
            p % width * channels + first;
    conv->kernels->product(&conv->weights, &input, (uint32_t)first,
                           (uint32_t)((last < channels ? last : channels) - first), conv->output);
}

/* ---- preparation ---- */

static convolution plan_conv(const ops_work *work, ops_axis_window x, ops_axis_window y) {
    const tagger_tensor *filter = ops_input(work, 1);
    convolution plan = {.kernels = work->kernels->floats, .x = x, .rows = y.window};
    const bool by_tap = filter->dims[3] >= SHORT || (x.window > 1 && x.dilation > 1);
    const uint32_t blocks = (filter->dims[0] + FLOATS_BLOCK - 1) / FLOATS_BLOCK;
    plan.depth = filter->dims[3];
    plan.columns = by_tap ? x.window : 1;
    plan.columns_in_run = by_tap ? 1 : x.window;
    plan.width = plan.columns_in_run * plan.depth;
    plan.inner = ops_inner_positions(&x);
    plan.groups = divided(blocks, plan.kernels->most_blocks);
    plan.most_blocks = most_of(blocks, plan.groups);
    plan.tile = plan.kernels->tile_positions[plan.most_blocks - 1];
    plan.weights.taps = plan.rows * plan.columns * plan.width;
    return plan;
}

/* Allocates memory for the parts of up to `together` rows. */
static tagnode_status allocate(const ops_work *work, convolution *plan, size_t *weights,
                               uint32_t together) {
    const size_t runs = (size_t)plan->rows * plan->columns, channels = ops_input(work, 1)->dims[0];
    size_t most = (size_t)together * plan->x.output;
    if (most > MOST_POSITIONS) most = MOST_POSITIONS;
    plan->copy_stride = ((size_t)plan->width * sizeof(float) + 63) / 64 * 16;
    size_t needed = 0;
    ops_room(&needed, sizeof(convolution));
    *weights = ops_room(&needed, floats_packed_size((uint32_t)channels, plan->weights.taps));
    const size_t run = ops_room(&needed, most * runs * sizeof(float *));
    const size_t output = ops_room(&needed, most * sizeof(float *));
    const size_t row = tagger_row_bytes(ops_input(work, 0)), one = plan->width * sizeof(float);
    const size_t padding = ops_room(&needed, row > one ? row : one); /* positions move along it */
    const size_t copies = ops_room(
        &needed, plan->columns_in_run > 1 ? most * runs * plan->copy_stride * sizeof(float) : 0);
    const tagnode_status status = ops_allocate(work, needed);
    if (status != TAGNODE_OK) return status;
    char *memory = work->step->state;
    plan->runs = (const float **)(void *)(memory + run);
    plan->output = (float **)(void *)(memory + output);
    plan->padding = (float *)(void *)(memory + padding);
    plan->copies = (float *)(void *)(memory + copies);
    return TAGNODE_OK;
}

tagnode_status ops_prepare_conv_float(const ops_work *work, ops_axis_window x, ops_axis_window y) {
    const tagger_tensor *filter = ops_input(work, 1);
    const float *bias = NULL;
    tagnode_status status = ops_float_bias(work, filter->dims[0], &bias);
    if (status != TAGNODE_OK) return status;
    convolution plan = plan_conv(work, x, y);
    if ((uint64_t)work->step->rows * x.output * plan.weights.taps > MOST_WORK / filter->dims[0])
        return ops_unsupported(work, "of so many multiplications");
    uint32_t together = (ENOUGH + x.output - 1) / x.output;
    if (together > work->step->rows) together = work->step->rows;
    size_t weights = 0;
    status = allocate(work, &plan, &weights, together);
    if (status != TAGNODE_OK) return status;
    const ops_float_clamp clamp = ops_clamp_float(work->op->activation);
    floats_pack(filter->data, bias, filter->dims[0], plan.weights.taps,
                (char *)work->step->state + weights, &plan.weights);
    plan.weights.length = plan.width;
    plan.weights.low = clamp.low;
    plan.weights.high = clamp.high;
    memcpy(work->step->state, &plan, sizeof plan);
    ops_read(work, 0, -(int32_t)y.before, y.window, y.stride, y.dilation);
    work->step->together = together;
    work->step->divide = divide;
    const tagger_division into = divide(work->step, 1);
    work->step->parts = into.parts;
    work->step->part_cost = into.part_cost;
    work->step->run = run_conv;
    work->step->epilogue = &((convolution *)work->step->state)->weights;
    return TAGNODE_OK;
}
