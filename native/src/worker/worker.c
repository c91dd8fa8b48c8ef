#include "worker/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/aligned.h"
#include "support/floatenv.h"
#include "support/message.h"
#include "support/ring.h"
#include "support/waiting.h"

enum { QUEUED_FRAMES = 1024 }; /* mel frames that a late worker can catch up on */

typedef struct {
    uint64_t generation; /* number of resets: frames and results of earlier ones are discarded */
    int64_t index;
    float mel[];
} queued_frame;

typedef struct {
    uint64_t generation;
    int64_t tick;
    int32_t failed;
    float values[]; /* the outputs in use, one after the other */
} queued_result;

struct tagnode_worker {
    tagnode_worker_setup setup;
    tagnode_engine *engine;
    tagnode_queue frames, results;
    float *history;  /* 2 * patch mel frames: the window slides over them and is then moved back */
    uint32_t filled; /* mel frames in it */
    int64_t next;    /* index of the mel frame expected */
    uint64_t generation_seen;
    float *outputs[TAGNODE_MAX_OUTPUTS];
    float *output_memory;
    size_t values; /* floats in it */

    _Atomic uint64_t generation;
    _Atomic int64_t due; /* the earliest tick that is still needed */
    _Atomic bool stop;

    /* Used offline and at destruction only: */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool running;
};

static void announce(tagnode_worker *worker) {
    pthread_mutex_lock(&worker->lock);
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

static int64_t tick_at(const tagnode_worker_setup *setup, int64_t frames) {
    const int64_t tick = tagnode_ticks_from(&setup->ticks, frames);
    return tick >= 0 && tagnode_ticks_frames(&setup->ticks, tick) == frames ? tick : -1;
}

static void append_mel(tagnode_worker *worker, const float *mel) {
    const uint32_t bands = worker->setup.bands;
    memcpy(worker->history + (size_t)worker->filled++ * bands, mel, bands * sizeof(float));
}

/* Appends one mel frame to the window; a gap or a reset empties it first. */
static void append(tagnode_worker *worker, const queued_frame *frame) {
    const tagnode_worker_setup *setup = &worker->setup;
    if (frame->generation != worker->generation_seen || frame->index != worker->next)
        worker->filled = 0;
    if (frame->index == 0) { /* the stream begins */
        worker->filled = 0;
        while (worker->filled < setup->silent) append_mel(worker, setup->silence);
    }
    worker->generation_seen = frame->generation;
    worker->next = frame->index + 1;
    if (worker->filled == 2 * setup->patch) {
        const size_t kept = (size_t)(setup->patch - 1) * setup->bands;
        memmove(worker->history, worker->history + (size_t)(setup->patch + 1) * setup->bands,
                kept * sizeof(float));
        worker->filled = setup->patch - 1;
    }
    append_mel(worker, frame->mel);
}

/* Runs the model on the newest window into a result; false when stopped while waiting for room. */
static bool answer(tagnode_worker *worker, int64_t tick) {
    const tagnode_worker_setup *setup = &worker->setup;
    queued_result *result;
    while ((result = tagnode_queue_reserve(&worker->results)) == NULL) {
        if (atomic_load(&worker->stop)) return false;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    const float *window = worker->history + (size_t)(worker->filled - setup->patch) * setup->bands;
    result->generation = worker->generation_seen;
    result->tick = tick;
    result->failed = worker->engine->run(worker->engine, window, worker->outputs) != TAGNODE_OK;
    memcpy(result->values, worker->output_memory, worker->values * sizeof(float));
    tagnode_queue_commit(&worker->results);
    return true;
}

/* Processes one mel frame; false if there is none. */
static bool work(tagnode_worker *worker) {
    const queued_frame *frame = tagnode_queue_peek(&worker->frames);
    if (frame == NULL) return false;
    const bool current =
        frame->generation == atomic_load_explicit(&worker->generation, memory_order_acquire);
    if (current) append(worker, frame);
    tagnode_queue_drop(&worker->frames);
    if (worker->setup.offline) announce(worker);
    const int64_t tick = current ? tick_at(&worker->setup, worker->next) : -1;
    const bool matters =
        tick >= atomic_load_explicit(&worker->due, memory_order_acquire) || worker->setup.offline;
    if (tick >= 0 && worker->filled >= worker->setup.patch && matters && answer(worker, tick) &&
        worker->setup.offline)
        announce(worker);
    return true;
}

/* Sleeps for about half of the time to the next result, so that an idle node costs next to nothing.
 */
static void rest(tagnode_worker *worker) {
    if (worker->setup.offline) {
        pthread_mutex_lock(&worker->lock);
        while (tagnode_queue_peek(&worker->frames) == NULL && !atomic_load(&worker->stop))
            pthread_cond_wait(&worker->changed, &worker->lock);
        pthread_mutex_unlock(&worker->lock);
        return;
    }
    const tagnode_ticks *ticks = &worker->setup.ticks;
    const int64_t tick = tagnode_ticks_from(ticks, worker->next + 1);
    const int64_t missing = tagnode_ticks_frames(ticks, tick) - worker->next;
    const double wait = 0.5 * (double)missing * worker->setup.frame_seconds;
    const double bounded = wait < 0.001 ? 0.001 : wait > 0.02 ? 0.02 : wait;
    nanosleep(&(struct timespec){.tv_nsec = (long)(bounded * 1e9)}, NULL);
}

static void *run(void *argument) {
    tagnode_worker *worker = argument;
    (void)tagnode_floatenv_enter(); /* this thread is ours: nothing to restore */
    while (!atomic_load_explicit(&worker->stop, memory_order_acquire))
        if (!work(worker)) rest(worker);
    return NULL;
}

/* Returns the size of an item with this many floats after its header, rounded so that the next one
 * is aligned. */
static size_t item_size(size_t head, size_t floats) {
    return (head + floats * sizeof(float) + 7) / 8 * 8;
}

static tagnode_status allocate(tagnode_worker *worker) {
    const tagnode_worker_setup *setup = &worker->setup;
    for (uint32_t i = 0; i < TAGNODE_MAX_OUTPUTS; ++i) worker->values += setup->output_size[i];
    worker->output_memory = calloc(worker->values + 1, sizeof(float));
    worker->history = calloc(2 * (size_t)setup->patch * setup->bands, sizeof(float));
    if (worker->output_memory == NULL || worker->history == NULL ||
        tagnode_queue_create(&worker->frames, item_size(sizeof(queued_frame), setup->bands),
                             (size_t)QUEUED_FRAMES + setup->burst) != TAGNODE_OK ||
        tagnode_queue_create(&worker->results, item_size(sizeof(queued_result), worker->values),
                             setup->results) != TAGNODE_OK)
        return TAGNODE_ERROR_MEMORY;
    float *next = worker->output_memory;
    for (uint32_t i = 0; i < TAGNODE_MAX_OUTPUTS; next += setup->output_size[i++])
        worker->outputs[i] = setup->output_size[i] > 0 ? next : NULL;
    return TAGNODE_OK;
}

tagnode_status tagnode_worker_create(tagnode_engine *engine, const tagnode_worker_setup *setup,
                                     tagnode_worker **out, tagnode_message *why) {
    *out = NULL;
    tagnode_worker *worker = tagnode_aligned_calloc(sizeof *worker);
    if (worker == NULL) {
        engine->close(engine);
        return tagnode_no_memory(why, "the worker");
    }
    worker->engine = engine;
    worker->setup = *setup;
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->changed, NULL);
    tagnode_status status = allocate(worker);
    if (status != TAGNODE_OK) tagnode_report(why, status, "No memory for the worker's queues.");
    if (status == TAGNODE_OK && engine->run(engine, worker->history, worker->outputs) != TAGNODE_OK)
        status = tagnode_report(why, TAGNODE_ERROR_RUNTIME,
                                "The model failed on its first run, on silence.");
    if (status == TAGNODE_OK) {
        worker->running = pthread_create(&worker->thread, NULL, run, worker) == 0;
        if (!worker->running)
            status = tagnode_report(why, TAGNODE_ERROR_RUNTIME,
                                    "The system could not start a thread for the worker.");
    }
    if (status != TAGNODE_OK) {
        tagnode_worker_destroy(worker);
        return status;
    }
    *out = worker;
    return TAGNODE_OK;
}

void tagnode_worker_destroy(tagnode_worker *worker) {
    if (worker == NULL) return;
    if (worker->running) {
        atomic_store(&worker->stop, true);
        announce(worker);
        pthread_join(worker->thread, NULL);
    }
    worker->engine->close(worker->engine);
    tagnode_queue_destroy(&worker->frames);
    tagnode_queue_destroy(&worker->results);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
    free(worker->output_memory);
    free(worker->history);
    tagnode_aligned_free(worker);
}

/* ---- the audio thread's side ---- */

/* Only offline waits, because the caller asked for it: the checks are suspended. */
TAGNODE_UNCHECKED_BEGIN
static void wait_for_change(tagnode_worker *worker, tagnode_queue *queue, bool for_room)
    TAGNODE_NONBLOCKING {
    tagnode_let_wait();
    pthread_mutex_lock(&worker->lock);
    pthread_cond_broadcast(&worker->changed);
    while (for_room ? tagnode_queue_reserve(queue) == NULL : tagnode_queue_peek(queue) == NULL)
        pthread_cond_wait(&worker->changed, &worker->lock);
    pthread_mutex_unlock(&worker->lock);
    tagnode_forbid_waiting();
}

static void wake_worker(tagnode_worker *worker) TAGNODE_NONBLOCKING {
    tagnode_let_wait();
    announce(worker);
    tagnode_forbid_waiting();
}

TAGNODE_UNCHECKED_END

bool tagnode_worker_push(tagnode_worker *worker, int64_t index, const float *mel) {
    queued_frame *frame = tagnode_queue_reserve(&worker->frames);
    if (frame == NULL && worker->setup.offline) {
        wait_for_change(worker, &worker->frames, true);
        frame = tagnode_queue_reserve(&worker->frames);
    }
    if (frame == NULL) return false;
    frame->generation = atomic_load_explicit(&worker->generation, memory_order_relaxed);
    frame->index = index;
    memcpy(frame->mel, mel, worker->setup.bands * sizeof(float));
    tagnode_queue_commit(&worker->frames);
    if (worker->setup.offline && tick_at(&worker->setup, index + 1) >= 0) wake_worker(worker);
    return true;
}

static void copy_result(const tagnode_worker_setup *setup, const queued_result *result,
                        float *const *outputs) TAGNODE_NONBLOCKING {
    const float *next = result->values;
    for (uint32_t i = 0; i < TAGNODE_MAX_OUTPUTS; next += setup->output_size[i++])
        if (setup->output_size[i] > 0)
            memcpy(outputs[i], next, setup->output_size[i] * sizeof(float));
}

tagnode_result tagnode_worker_take(tagnode_worker *worker, int64_t tick, float *const *outputs,
                                   uint64_t *late, uint64_t *failures) {
    const uint64_t generation = atomic_load_explicit(&worker->generation, memory_order_relaxed);
    tagnode_result found = TAGNODE_RESULT_LATE;
    bool mine = false;
    while (!mine) {
        const queued_result *result = tagnode_queue_peek(&worker->results);
        if (result == NULL && worker->setup.offline) {
            wait_for_change(worker, &worker->results, false);
            continue;
        }
        if (result == NULL || (result->generation == generation && result->tick > tick)) break;
        if (result->generation == generation) {
            mine = result->tick == tick;
            *late += !mine;
            *failures += result->failed != 0;
            if (mine) found = result->failed ? TAGNODE_RESULT_FAILED : TAGNODE_RESULT_READY;
        }
        if (found == TAGNODE_RESULT_READY) copy_result(&worker->setup, result, outputs);
        tagnode_queue_drop(&worker->results);
    }
    atomic_store_explicit(&worker->due, tick + 1, memory_order_release);
    return found;
}

void tagnode_worker_reset(tagnode_worker *worker) {
    tagnode_queue_clear(
        &worker->results); /* otherwise they could fill it before the next is read */
    atomic_store_explicit(&worker->due, 0, memory_order_release);
    atomic_fetch_add_explicit(&worker->generation, 1, memory_order_acq_rel);
}
