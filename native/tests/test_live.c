/* test_live.c - the guarantees of a live node: late results are held and counted, and the node
 * recovers.
 *
 * Time in these tests is audio time; real time passes for as long as the worker needs. */

#include "fake_model.h"
#include "system.h"

/* Waits, in real time, until the model has run this often. */
static void await(const _Atomic int64_t *runs, int64_t wanted) {
    for (int i = 0; i < 50000 && atomic_load(runs) < wanted; ++i) nap();
    CHECK(atomic_load(runs) >= wanted);
}

/* A live node that processes one hop at a time, and a worker with all the time that it needs. */
typedef struct {
    fake model;
    results got;
    tagnode *node;
    clock_of_node clock;
    float *signal, *mel;
    size_t length, position;
} live;

static live *live_of(double compute_latency) {
    live *self = calloc(1, sizeof *self);
    tagnode_setup setup = setup_of(MODEL_RATE);
    setup.offline = false;
    setup.compute_latency = compute_latency;
    self->length = 600000;
    self->signal = white_noise(self->length, 4);
    self->mel = mel_of(self->signal, MODEL_RATE, self->length);
    self->node = node_of(&self->model, &setup);
    self->clock = clock_of(self->node, &setup);
    CHECK(atomic_load(&self->model.runs) == 1); /* the warm-up */
    return self;
}

static void live_destroy(live *self) {
    tagnode_destroy(self->node);
    free(self->signal);
    free(self->mel);
    free(self);
}

static void live_feed(live *self, size_t length) {
    feed(self->node, self->signal + self->position, length, 512, &self->got);
    self->position += length;
}

static const size_t ONE_HOP = (size_t)3 * MEL_HOP;

/* Processes `hops` hops; the worker returns each result before the next hop. */
static void live_pace(live *self, int hops) {
    for (int i = 0; i < hops; ++i) {
        const int64_t before = atomic_load(&self->model.runs);
        live_feed(self, ONE_HOP);
        if (tagnode_get_counters(self->node).mel_frames >= PATCH)
            await(&self->model.runs, before + 1);
        nap();
    }
}

/* Processes until the model is in the middle of a run, and blocks it there. */
static void live_hold(live *self) {
    const int64_t entered = atomic_load(&self->model.entered);
    atomic_store(&self->model.held, true);
    live_feed(self, 2 * ONE_HOP);
    await(&self->model.entered, entered + 1);
}

static void test_worker_in_time_gives_what_offline_gives(void) {
    live *self = live_of(0.5);
    live_pace(self, 60);
    compare(&self->got, &self->clock, self->mel);
    CHECK(count_of(&self->got, TAGNODE_FRESH) > 30);
    CHECK(count_of(&self->got, TAGNODE_HELD) == 0);
    CHECK(tagnode_get_counters(self->node).late == 0);
    live_destroy(self);
}

static void test_late_results_are_held_and_counted_and_the_node_recovers(void) {
    live *self = live_of(0.5);
    live_pace(self, 40);
    const size_t fresh = count_of(&self->got, TAGNODE_FRESH);
    live_hold(self);
    const int64_t blocked = atomic_load(&self->model.entered);
    live_feed(self, 40 * ONE_HOP); /* 1.2 s: what was in time is fresh, then there are no results */
    const size_t held = count_of(&self->got, TAGNODE_HELD);
    CHECK(held > 10);
    CHECK(count_of(&self->got, TAGNODE_FRESH) > fresh);
    CHECK(self->got.frames[self->got.count - 1].state == TAGNODE_HELD);
    atomic_store(&self->model.held, false);
    await(&self->model.runs, blocked);
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL); /* it catches up */
    CHECK(tagnode_get_counters(self->node).late == 0);         /* not seen yet */
    live_feed(self, ONE_HOP);
    CHECK(tagnode_get_counters(self->node).late == 1); /* the run that was blocked, and no other */
    live_pace(self, 60);
    compare(&self->got, &self->clock, self->mel);
    CHECK(self->got.frames[self->got.count - 1].state == TAGNODE_FRESH);
    const tagnode_counters counters = tagnode_get_counters(self->node);
    CHECK(counters.late > 0 && counters.late <= counters.held);
    CHECK(counters.held == count_of(&self->got, TAGNODE_HELD));
    CHECK(counters.fresh == count_of(&self->got, TAGNODE_FRESH));
    CHECK(counters.failures == 0 && counters.overruns == 0);
    live_destroy(self);
}

static void test_mel_frames_without_room_are_overruns_and_the_node_recovers(void) {
    live *self = live_of(0.5);
    atomic_store(&self->model.held, true);
    live_feed(self, 400000); /* 2500 mel frames, more than are queued */
    const tagnode_counters counters = tagnode_get_counters(self->node);
    CHECK(counters.overruns > 0 && counters.overruns < 2500 - 1024);
    CHECK(counters.fresh == 0 && counters.held > 0);
    atomic_store(&self->model.held, false);
    nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
    live_feed(self, ONE_HOP * 10); /* refills the window after the gap */
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    live_pace(self, 60);
    compare(&self->got, &self->clock, self->mel);
    CHECK(self->got.frames[self->got.count - 1].state == TAGNODE_FRESH);
    CHECK(tagnode_get_counters(self->node).overruns == counters.overruns);
    live_destroy(self);
}

static void test_failing_model_is_held_and_counted(void) {
    live *self = live_of(0.1);
    live_pace(self, 20);
    const size_t fresh = count_of(&self->got, TAGNODE_FRESH);
    CHECK(fresh > 5);
    atomic_store(&self->model.failing, 1);
    live_pace(self, 20);
    const tagnode_counters counters = tagnode_get_counters(self->node);
    CHECK(counters.failures > 10 && counters.failures == counters.held);
    CHECK(counters.late == 0);
    atomic_store(&self->model.failing, 0);
    live_pace(self, 20);
    compare(&self->got, &self->clock, self->mel);
    CHECK(self->got.frames[self->got.count - 1].state == TAGNODE_FRESH);
    live_destroy(self);
}

static void test_failing_model_is_held_and_counted_offline(void) {
    static fake model;
    static results got;
    float *signal = white_noise(16000, 2), *mel = mel_of(signal, 16000, 16000);
    const tagnode_setup setup = setup_of(16000);
    tagnode *node = node_of(&model, &setup);
    const clock_of_node clock = clock_of(node, &setup);
    got.count = 0;
    feed(node, signal, 8000, 512, &got);
    atomic_store(&model.failing, 3);
    feed(node, signal + 8000, 8000, 512, &got);
    compare(&got, &clock, mel);
    const tagnode_counters counters = tagnode_get_counters(node);
    CHECK(counters.failures > 5 && counters.failures == counters.held);
    tagnode_destroy(node);
    free(mel);
    free(signal);
}

static void test_reset_forgets_all_even_while_the_model_runs(void) {
    live *self = live_of(0.5);
    live_pace(self, 30);
    live_hold(self);
    tagnode_reset(self->node);
    CHECK(tagnode_get_counters(self->node).position == 0);
    CHECK(tagnode_get_counters(self->node).fresh == 0);
    self->got.count = 0;
    read_all(self->node, &self->got);
    CHECK(self->got.count == 0);
    atomic_store(&self->model.held, false);
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    float *mel = mel_of(self->signal + self->position, MODEL_RATE, 60 * ONE_HOP);
    live_pace(self, 60);
    compare(&self->got, &self->clock, mel);
    CHECK(count_of(&self->got, TAGNODE_HELD) == 0);
    CHECK(count_of(&self->got, TAGNODE_FRESH) > 30);
    CHECK(tagnode_get_counters(self->node).late == 0);
    free(mel);
    live_destroy(self);
}

static void test_live_results_are_fresh_or_held_in_any_partition(void) {
    /* Without waiting for the worker: only states may differ. */
    for (uint32_t block = 1; block < 5000; block = block * 5 + 11) {
        live *self = live_of(0.05);
        feed(self->node, self->signal, 48000, block, &self->got);
        compare(&self->got, &self->clock, self->mel);
        live_destroy(self);
    }
}

int main(void) {
    alarm(240); /* ends a deadlocked test */
    test_worker_in_time_gives_what_offline_gives();
    test_late_results_are_held_and_counted_and_the_node_recovers();
    test_mel_frames_without_room_are_overruns_and_the_node_recovers();
    test_failing_model_is_held_and_counted();
    test_failing_model_is_held_and_counted_offline();
    test_reset_forgets_all_even_while_the_model_runs();
    test_live_results_are_fresh_or_held_in_any_partition();
    return closing_line();
}
