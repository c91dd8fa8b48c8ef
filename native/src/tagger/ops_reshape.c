/* RESHAPE, SQUEEZE, EXPAND_DIMS: the same bytes, in different rows. */
#include "tagger/ops_internal.h"

typedef struct {
    size_t input_row;  /* bytes */
    bool has_all_rows; /* otherwise the rows passed start where the output row does */
} reshape;

static void run_reshape(const tagger_step *step, const tagger_part *part) TAGNODE_NONBLOCKING {
    const reshape *plan = step->state;
    const ops_range range = ops_part(step, step->row_bytes, 1, part);
    const size_t base = plan->has_all_rows ? (size_t)part->row * step->row_bytes : 0;
    for (size_t at = range.begin; at < range.end;) {
        const size_t source = base + at, offset = source % plan->input_row;
        const size_t rest = plan->input_row - offset, wanted = range.end - at;
        const size_t count = rest < wanted ? rest : wanted;
        memcpy((char *)part->output + at,
               (const char *)part->rows[source / plan->input_row] + offset, count);
        at += count;
    }
}

tagnode_status ops_prepare_reshape(const ops_work *work) {
    const tagger_tensor *input = ops_input(work, 0), *output = work->output;
    if (input->elements != output->elements || input->type != output->type)
        return ops_contradiction(work, "input and output");
    const tagnode_status status = ops_allocate(work, sizeof(reshape));
    if (status != TAGNODE_OK) return status;
    reshape *plan = work->step->state;
    plan->input_row = tagger_row_bytes(input);
    const uint32_t row = work->step->row_bytes;
    if (plan->input_row == row) {
        ops_read_same(work, 0);
    } else if (row % plan->input_row == 0 && work->step->rows > 1) {
        const uint32_t each = row / (uint32_t)plan->input_row;
        ops_read(work, 0, 0, each, each, 1);
    } else {
        plan->has_all_rows = true;
        ops_read_all(work, 0);
    }
    ops_cut(work, row, OPS_COST_COPY, 1);
    work->step->run = run_reshape;
    return TAGNODE_OK;
}
