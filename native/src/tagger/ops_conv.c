/* CONV_2D in int8, through the kernels' indirect product; that in float is in ops_conv_float.c. */
#include "tagger/ops_internal.h"

enum {
    BLOCK = KERNELS_BLOCK,
    MOST_BLOCKS = 5, /* blocks that are fastest in one call */
    MOST_TILE = 25,  /* positions times blocks that fit in registers */
    MOST_POSITIONS = 6,
    WIDE = 32 /* columns that interleave best at once: fewer than the slack of a row */
};

/* Where the runs of a position are. Rows of the window are whole runs; with dilation between
 * columns each tap is a run. Windows that extend beyond the row get runs of their own: copies of
 * whole runs with padding, or pointers to padding for taps. A window one byte wide, of many rows,
 * is made of rows interleaved by fours. */
typedef struct {
    kernels_weights weights;
    const kernels_table *kernels;
    ops_axis_window x;
    uint32_t rows, taps;       /* of the window: runs are rows * taps */
    uint32_t depth, width;     /* channels of the input; bytes of a run */
    uint32_t segments, length; /* runs of a position and the bytes of each, for the kernels */
    ops_range inner;           /* positions whose window is inside the row */
    bool interleaved;
    bool maximum; /* of all positions, instead of each */
    uint32_t position_groups, channel_groups;
    const int8_t **runs; /* of one part */
    int8_t *copies;      /* runs that are not contiguous in memory */
    size_t copy_stride;
    int8_t *padding; /* as long as a row */
} convolution;

/* The work of one part. */
typedef struct {
    size_t first_channel, channels;
    int8_t *output;
    bool joins; /* a maximum: others of this part are in the output */
} portion;

/* Positions that are computed together. */
typedef struct {
    size_t begin, count;
} positions_set;

static void multiply(const convolution *conv, portion *part, positions_set at, kernels_input input)
    TAGNODE_NONBLOCKING {
    input.runs = conv->runs;
    input.positions = (uint32_t)at.count;
    const uint32_t first = (uint32_t)part->first_channel, channels = (uint32_t)part->channels;
    if (conv->maximum)
        conv->kernels->product_max(&conv->weights, &input, first, channels, part->output,
                                   part->joins);
    else
        conv->kernels->product(&conv->weights, &input, first, channels,
                               part->output + at.begin * conv->weights.channels,
                               conv->weights.channels);
    part->joins = true;
}

static void run_inner(const convolution *conv, portion *part, const int8_t *const *rows,
                      positions_set at) TAGNODE_NONBLOCKING {
    const int8_t **run = conv->runs;
    const size_t column = at.begin * conv->x.stride - conv->x.before;
    for (uint32_t r = 0; r < conv->rows; ++r)
        for (uint32_t tap = 0; tap < conv->taps; ++tap) {
            const size_t byte = (column + (size_t)tap * conv->x.dilation) * conv->depth;
            *run++ = rows[r] != NULL ? rows[r] + byte : conv->padding;
        }
    multiply(conv, part, at,
             (kernels_input){.step = (ptrdiff_t)((size_t)conv->x.stride * conv->depth)});
}

/* A run that starts at a column and is partly or wholly outside the row. */
static const int8_t *outer_run(const convolution *conv, const int8_t *row, int64_t column,
                               int8_t *copy) TAGNODE_NONBLOCKING {
    const int64_t width = conv->x.input, length = conv->width / conv->depth;
    const int64_t begin = column < 0 ? 0 : column;
    const int64_t end = column + length < width ? column + length : width;
    if (row == NULL || begin >= end) return conv->padding;
    if (end - begin == length) return row + column * conv->depth;
    memset(copy, conv->weights.input_zero_point, conv->width);
    memcpy(copy + (begin - column) * conv->depth, row + begin * conv->depth,
           (size_t)(end - begin) * conv->depth);
    return copy;
}

static void run_outer(const convolution *conv, portion *part, const int8_t *const *rows,
                      positions_set at) TAGNODE_NONBLOCKING {
    const int8_t **run = conv->runs;
    int8_t *copy = conv->copies;
    for (size_t p = at.begin; p < at.begin + at.count; ++p) {
        const int64_t column = (int64_t)(p * conv->x.stride) - conv->x.before;
        for (uint32_t r = 0; r < conv->rows; ++r)
            for (uint32_t tap = 0; tap < conv->taps; ++tap, copy += conv->copy_stride)
                *run++ = outer_run(conv, rows[r], column + (int64_t)tap * conv->x.dilation, copy);
    }
    multiply(conv, part, at, (kernels_input){.pitch = conv->weights.segments});
}

static void run_interleaved(const convolution *conv, portion *part, const int8_t *const *rows,
                            positions_set at) TAGNODE_NONBLOCKING {
    const size_t column = at.begin * conv->x.stride;
    const size_t reach = (at.count - 1) * conv->x.stride + 1;
    const uint32_t count = (uint32_t)((reach + WIDE - 1) / WIDE * WIDE);
    int8_t *copy = conv->copies;
    for (uint32_t r = 0; r < conv->rows; r += 4, copy += conv->copy_stride) {
        const int8_t *four[4];
        for (uint32_t i = 0; i < 4; ++i)
            four[i] = rows[r + i] != NULL ? rows[r + i] + column : conv->padding;
        conv->kernels->interleave4(four, count, copy);
        conv->runs[r / 4] = copy;
    }
    multiply(conv, part, at, (kernels_input){.step = 4 * (ptrdiff_t)conv->x.stride});
}

static positions_set common(ops_range a, size_t begin, size_t end) TAGNODE_NONBLOCKING {
    const size_t first = a.begin > begin ? a.begin : begin, after = a.end < end ? a.end : end;
    return (positions_set){first, after > first ? after - first : 0};
}

static void run_conv(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const convolution *conv = step->state;
    const uint32_t group = part->number % conv->channel_groups,
                   slice = part->number / conv->channel_groups;
    const size_t channels = conv->weights.channels, blocks = (channels + BLOCK - 1) / BLOCK;
    const size_t first = blocks * group / conv->channel_groups * BLOCK;
    const size_t end = blocks * (group + 1) / conv->channel_groups * BLOCK;
    const size_t width = conv->x.output;
    const ops_range all = {width * slice / conv->position_groups,
                           width * (slice + 1) / conv->position_groups};
    portion own = {first, (end < channels ? end : channels) - first, part->output, all.begin > 0};
    const int8_t *const *lines = (const int8_t *const *)part->rows;
    if (conv->interleaved) {
        run_interleaved(conv, &own, lines, common(all, 0, width));
        return;
    }
    const positions_set left = common(all, 0, conv->inner.begin),
                        inner = common(all, conv->inner.begin, conv->inner.end),
                        right = common(all, conv->inner.end, width);
    const size_t outer = left.count + right.count;
    if (outer > 0 && outer + inner.count <= MOST_POSITIONS) { /* one tile */
        run_outer(conv, &own, lines, common(all, 0, width));
        return;
    }
    if (left.count > 0) run_outer(conv, &own, lines, left);
    if (inner.count > 0) run_inner(conv, &own, lines, inner);
    if (right.count > 0) run_outer(conv, &own, lines, right);
}

static uint32_t groups_of(size_t items, size_t each) {
    return items <= each ? 1 : (uint32_t)((items + each - 1) / each);
}

/* Finds parts within the cost, as positions times blocks of channels, for which the product loads
 * least: one load for each position and each block of a tile. */
static void cut(const ops_work *work, convolution *conv, size_t channels, size_t taps) {
    const size_t width = conv->x.output, blocks = (channels + BLOCK - 1) / BLOCK;
    size_t best_positions = 1, best_blocks = 1;
    double least = 4.0;
    for (size_t b = 1; b <= blocks && b <= MOST_BLOCKS; ++b) {
        size_t positions = taps > 0 ? TAGGER_PART_COST / (b * BLOCK * taps) : 0;
        if (positions > width) positions = width;
        if (positions == 0) break;
        size_t tile = MOST_TILE / b < MOST_POSITIONS ? MOST_TILE / b : MOST_POSITIONS;
        if (tile > positions) tile = positions;
        const double loads = (double)(tile + b) / (double)(tile * b);
        if (loads >= least) continue;
        least = loads;
        best_blocks = b;
        best_positions = positions < width ? positions / tile * tile : width;
    }
    conv->channel_groups = groups_of(blocks, best_blocks);
    conv->position_groups = groups_of(width, best_positions);
    best_blocks = (blocks + conv->channel_groups - 1) / conv->channel_groups;
    best_positions = (width + conv->position_groups - 1) / conv->position_groups;
    work->step->parts = conv->channel_groups * conv->position_groups;
    work->step->part_cost = (uint32_t)(best_positions * best_blocks * BLOCK * taps);
}

static tagnode_status place(const ops_work *work, ops_axis_window *x, ops_axis_window *y) {
    const tagnode_status status = ops_place_filter(work, x, y);
    if (status != TAGNODE_OK) return status;
    const tagger_tensor *filter = ops_input(work, 1);
    if (filter->dims[3] != ops_input(work, 0)->dims[3])
        return ops_unsupported(work, "in groups of channels");
    if (filter->dims[0] != work->output->dims[3])
        return ops_contradiction(work, "filter and output");
    return TAGNODE_OK;
}

static size_t padded(uint32_t length) {
    return ((size_t)length + 3) / 4 * 4;
}

static convolution plan_conv(const ops_work *work, ops_axis_window x, ops_axis_window y) {
    convolution plan = {.kernels = work->kernels, .x = x, .rows = y.window, .taps = 1};
    plan.depth = ops_input(work, 1)->dims[3];
    plan.interleaved = x.window == 1 && plan.depth == 1 && y.window % 4 == 0;
    const bool apart = x.window > 1 && x.dilation > 1;
    if (apart) plan.taps = x.window;
    plan.width = apart ? plan.depth : x.window * plan.depth;
    plan.segments = plan.interleaved ? plan.rows / 4 : plan.rows * plan.taps;
    plan.length = plan.interleaved ? 4 : plan.width;
    plan.inner = ops_inner_positions(&x);
    return plan;
}

static tagnode_status allocate(const ops_work *work, convolution *plan, uint32_t channels,
                               size_t *weights) {
    const size_t segments = plan->segments, bytes = padded(plan->length);
    const size_t positions = (plan->x.output + plan->position_groups - 1) / plan->position_groups;
    const size_t edges = plan->interleaved ? (positions - 1) * plan->x.stride + WIDE : positions;
    const size_t row = tagger_row_bytes(ops_input(work, 0));
    const size_t run = plan->width;
    size_t needed = 0;
    ops_room(&needed, sizeof(convolution));
    *weights =
        ops_room(&needed, work->kernels->packed_size(channels, (uint32_t)segments, plan->length));
    const size_t runs = ops_room(&needed, positions * segments * sizeof(int8_t *));
    const size_t copies = ops_room(&needed, edges * segments * bytes + TAGGER_ROW_SLACK);
    const size_t padding = ops_room(&needed, (row > run ? row : run) + TAGGER_ROW_SLACK);
    const tagnode_status status = ops_allocate(work, needed);
    if (status != TAGNODE_OK) return status;
    char *memory = work->step->state;
    plan->runs = (const int8_t **)(void *)(memory + runs);
    plan->copies = (int8_t *)(memory + copies);
    plan->copy_stride = plan->interleaved ? edges * bytes : bytes;
    plan->padding = (int8_t *)(memory + padding);
    memset(plan->padding, ops_input(work, 0)->zero_point[0], needed - padding);
    return TAGNODE_OK;
}

tagnode_status ops_prepare_conv(const ops_work *work) {
    ops_axis_window x = {0}, y = {0};
    tagnode_status status = place(work, &x, &y);
    if (status != TAGNODE_OK) return status;
    if (work->output->type == TAGGER_FLOAT32) return ops_prepare_conv_float(work, x, y);
    const uint32_t channels = ops_input(work, 1)->dims[0];
    status = ops_check_filter(work, 0, channels);
    if (status != TAGNODE_OK) return status;
    convolution plan = plan_conv(work, x, y);
    cut(work, &plan, channels, plan.segments * padded(plan.length));
    size_t weights = 0;
    status = allocate(work, &plan, channels, &weights);
    if (status != TAGNODE_OK) return status;
    convolution *conv = work->step->state;
    *conv = plan;
    ops_read(work, 0, -(int32_t)y.before, y.window, y.stride, y.dilation);
    work->step->run = run_conv;
    return ops_pack(work, plan.segments, plan.length, (char *)work->step->state + weights,
                    &conv->weights);
}

bool tagger_step_absorb(const tagger_graph *graph, uint32_t index, tagger_step *step) {
    const tagger_op *pool = &graph->op[index];
    if (step->epilogue != NULL) return ops_absorb_float(graph, pool, step);
    if (step->run != run_conv || ((convolution *)step->state)->maximum ||
        pool->code != TAGGER_MAX_POOL_2D || pool->activation != TAGGER_ACT_NONE ||
        (uint32_t)pool->input[0] != step->output)
        return false;
    const tagger_tensor *rows = &graph->tensor[step->output], *most = &graph->tensor[pool->output];
    const bool whole = pool->as.window.filter_h == 1 && pool->as.window.stride_h == 1 &&
                       pool->as.window.filter_w == rows->dims[2] && most->rank == 4 &&
                       most->dims[1] == rows->dims[1] && most->dims[2] == 1 &&
                       most->dims[3] == rows->dims[3];
    if (!whole || !ops_same_quantisation(rows, most)) return false;
    convolution *conv = step->state;
    conv->maximum = true;
    step->output = pool->output;
    step->row_bytes = (uint32_t)tagger_row_bytes(most);
    return true;
}
