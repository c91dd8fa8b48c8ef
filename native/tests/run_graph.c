/* run_graph.c - runs the operations of models one by one, for tests in Python that compare them
 * with LiteRT.
 *
 * Reads jobs from standard input until it ends. A job, all numbers uint32 in the machine's order:
 * the model's size and bytes; the number of given tensors, and for each its index, size and bytes.
 * Every operation is run, all its rows, the last row first, on given tensors and otherwise on
 * computed ones. Writes for each job: the status and a message of 256 bytes; the number of computed
 * tensors, and for each its index, size and bytes. An argument selects the kernels by index. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"
#include "tagger/graph.h"
#include "tagger/ops.h"

enum { GUARD = 0x5A };

static void fail(const char *what) {
    fprintf(stderr, "run_graph: %s\n", what);
    exit(EXIT_FAILURE);
}

static void *taken(size_t bytes) {
    void *memory = calloc(bytes > 0 ? bytes : 1, 1);
    if (memory == NULL) fail("out of memory");
    return memory;
}

/* The rows of a tensor, each in memory of its own, so that sanitizers detect reads beyond it. */
typedef struct {
    bool is_given;
    char **row;
} value;

static char *new_row(size_t bytes) {
    char *row = taken(bytes + TAGGER_ROW_SLACK);
    memset(row, GUARD, bytes + TAGGER_ROW_SLACK);
    return row;
}

static void make_rows(value *made, const tagger_tensor *tensor) {
    const uint32_t rows = tagger_rows(tensor);
    made->row = (char **)taken((rows + (size_t)1) * sizeof *made->row);
    for (uint32_t r = 0; r < rows; ++r) made->row[r] = new_row(tagger_row_bytes(tensor));
}

static void free_rows(value *made, const tagger_tensor *tensor) {
    for (uint32_t r = 0; made->row != NULL && r < tagger_rows(tensor); ++r) free(made->row[r]);
    free((void *)made->row);
    *made = (value){0};
}

static uint32_t read_number(void) {
    uint32_t number;
    if (fread(&number, sizeof number, 1, stdin) != 1) fail("the input ends early");
    return number;
}

static void read_bytes(void *bytes, size_t size) {
    if (size > 0 && fread(bytes, size, 1, stdin) != 1) fail("the input ends early");
}

static void write_bytes(const void *bytes, size_t size) {
    if (size > 0 && fwrite(bytes, size, 1, stdout) != 1) fail("the output cannot be written");
}

static void write_number(uint32_t number) {
    write_bytes(&number, sizeof number);
}

/* Collects the row pointers that a step needs for an output row. */
static const void **find_rows(const tagger_graph *graph, const tagger_step *step,
                              const value *values, uint32_t row) {
    size_t count = 0;
    for (uint32_t i = 0; i < step->reads; ++i)
        count += step->read[i].all ? tagger_rows(&graph->tensor[step->read[i].tensor])
                                   : step->read[i].count;
    const void **rows = (const void **)taken((count + 1) * sizeof *rows), **next = rows;
    for (uint32_t i = 0; i < step->reads; ++i) {
        const tagger_reads *read = &step->read[i];
        if (values[read->tensor].row == NULL) fail("a tensor is read before it is computed");
        const int64_t available = tagger_rows(&graph->tensor[read->tensor]);
        const int64_t wanted = read->all ? available : (int64_t)read->count;
        for (int64_t k = 0; k < wanted; ++k) {
            const int64_t at =
                read->all ? k : read->first + (int64_t)row * read->stride + k * read->dilation;
            *next++ = at >= 0 && at < available ? values[read->tensor].row[at] : NULL;
        }
    }
    return rows;
}

static void run_step(const tagger_graph *graph, const tagger_step *step, const value *values,
                     value *output) {
    for (uint32_t row = step->rows; row-- > 0;) {
        const void **rows = find_rows(graph, step, values, row);
        for (uint32_t part = 0; part < step->parts; ++part)
            step->run(step, &(tagger_part){rows, output->row[row], row, part, 1, 0});
        for (uint32_t i = 0; i < TAGGER_ROW_SLACK; ++i)
            if (output->row[row][step->row_bytes + i] != GUARD) fail("a step wrote beyond its row");
        free((void *)rows);
    }
}

/* Runs every operation; `computed` gets the results, and so does `values` unless they were given.
 */
static tagnode_status run_ops(const tagger_graph *graph, const kernels_table *kernels,
                              value *values, value *computed, tagnode_message *why) {
    for (uint32_t i = 0; i < graph->ops; ++i) {
        tagger_step step;
        const tagnode_status status = tagger_step_prepare(graph, i, kernels, &step, why);
        if (status != TAGNODE_OK) return status;
        make_rows(&computed[step.output], &graph->tensor[step.output]);
        run_step(graph, &step, values, &computed[step.output]);
        if (!values[step.output].is_given) values[step.output].row = computed[step.output].row;
        tagger_step_free(&step);
    }
    return TAGNODE_OK;
}

/* Reads the given value of tensor `index`, unless the model could not be read. */
static void read_value(const tagger_graph *graph, value *values, uint32_t index) {
    const uint32_t size = read_number();
    char *bytes = taken(size);
    read_bytes(bytes, size);
    for (uint32_t i = 0; graph != NULL && i < graph->tensors; ++i) {
        const size_t rows = tagger_rows(&graph->tensor[i]);
        const size_t row_bytes = tagger_row_bytes(&graph->tensor[i]);
        if (i != index) continue;
        if (size != rows * row_bytes || values[i].row != NULL) fail("a given tensor is wrong");
        values[i].is_given = true;
        make_rows(&values[i], &graph->tensor[i]);
        for (size_t r = 0; values[i].row != NULL && r < rows; ++r)
            memcpy(values[i].row[r], bytes + r * row_bytes, row_bytes);
    }
    free(bytes);
}

static void read_values(const tagger_graph *graph, value *values) {
    for (uint32_t count = read_number(); count > 0; --count)
        read_value(graph, values, read_number());
}

static void write_values(const tagger_graph *graph, const value *computed) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < graph->tensors; ++i) count += computed[i].row != NULL;
    write_number(count);
    for (uint32_t i = 0; i < graph->tensors; ++i) {
        if (computed[i].row == NULL) continue;
        const tagger_tensor *tensor = &graph->tensor[i];
        write_number(i);
        write_number((uint32_t)(tagger_rows(tensor) * tagger_row_bytes(tensor)));
        for (uint32_t r = 0; r < tagger_rows(tensor); ++r)
            write_bytes(computed[i].row[r], tagger_row_bytes(tensor));
    }
}

static void free_values(const tagger_graph *graph, value *values, value *computed) {
    for (uint32_t i = 0; i < graph->tensors; ++i) {
        if (!values[i].is_given) values[i].row = NULL;
        free_rows(&values[i], &graph->tensor[i]);
        free_rows(&computed[i], &graph->tensor[i]);
    }
}

static void run_job(const kernels_table *kernels, uint32_t model_size) {
    char *model = taken(model_size);
    read_bytes(model, model_size);
    tagger_graph graph;
    tagnode_message why = {""};
    tagnode_status status = tagger_graph_read(model, model_size, &graph, &why);
    const bool is_read = status == TAGNODE_OK;
    value *values = taken(TAGGER_MAX_TENSORS * sizeof *values);
    value *computed = taken(TAGGER_MAX_TENSORS * sizeof *computed);
    read_values(is_read ? &graph : NULL, values);
    if (is_read) status = run_ops(&graph, kernels, values, computed, &why);
    write_number((uint32_t)status);
    write_bytes(why.text, sizeof why.text);
    if (is_read) {
        write_values(&graph, computed);
        free_values(&graph, values, computed);
        tagger_graph_free(&graph);
    } else {
        write_number(0);
    }
    free(computed);
    free(values);
    free(model);
}

int main(int count, char **arguments) {
    const kernels_table *kernels = kernels_select();
    if (count > 1) kernels = kernels_at((uint32_t)strtoul(arguments[1], NULL, 10));
    if (kernels == NULL) fail("this machine does not support these kernels");
    uint32_t size;
    while (fread(&size, sizeof size, 1, stdin) == 1) run_job(kernels, size);
    return EXIT_SUCCESS;
}
