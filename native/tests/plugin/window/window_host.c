/* window_host.c - a host on X11 or Windows that shows the plugin's window: window_host LIBRARY.
 *
 * It opens an instance that plays, and a window with the plugin's in it, prints "window ID", and
 * then what the plugin's window edits: "begin ID 0", "set ID VALUE", "end ID 0". It does what lines
 * of its input ask for, and answers "ok", or what was asked for:
 *
 *     set ID VALUE   get ID   size WIDTH HEIGHT   scale FACTOR   show   hide   wait SECONDS
 *     map, unmap     shows or hides the parent
 *     many COUNT     opens and closes windows of COUNT instances at random
 *     orphan         destroys the parent before the window is closed
 *     strange        asks for a window in one that does not exist; "ok" if it is refused
 *     load           the time of a processor that the window took in a second, in percent
 *     opening        ms from the request to the first picture
 *     sound          a checksum of the output of 3 s, from a fresh instance, with the window open
 *                    or closed as it is
 *
 * It ends at the end of its input, with the number of checks that failed as its last line, whether
 * there is still a display or not: its own connection is not used after the start. */
#include "window_host.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "desk.h"

static char folder[4096];
static pthread_mutex_t printing = PTHREAD_MUTEX_INITIALIZER;

const char *plug_folder(void) {
    return folder;
}

void plug_edited(const char *what, uint32_t id, double value) {
    (void)pthread_mutex_lock(&printing);
    printf("%s %u %.6g\n", what, id, value);
    fflush(stdout);
    (void)pthread_mutex_unlock(&printing);
}

static void say(const char *text) {
    (void)pthread_mutex_lock(&printing);
    puts(text);
    fflush(stdout);
    (void)pthread_mutex_unlock(&printing);
}

static double seconds(clockid_t clock) {
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void pause_for(double time) {
    const struct timespec pause = {(time_t)time, (long)(fmod(time, 1) * 1e9)};
    (void)nanosleep(&pause, NULL);
}

/* ---- sound ---- */

typedef struct {
    plug *plug;
    _Atomic bool stop;
    pthread_t thread;
    uint64_t played; /* blocks */
} player;

/* Noise, loud for a second and quiet for the next. */
static void play_block(plug *p, uint64_t block, const float *noise, float out[2][PLUG_BLOCK]) {
    float in[PLUG_BLOCK];
    const bool loud = block * PLUG_BLOCK / PLUG_RATE % 2 == 0;
    for (int i = 0; i < PLUG_BLOCK; ++i)
        in[i] = noise[(block * 31 + (uint64_t)i) % PLUG_RATE] * (loud ? 0.3F : 0.003F);
    const float *const input[2] = {in, in};
    float *const output[2] = {out[0], out[1]};
    plug_process(p, input, output);
}

static void *play(void *context) {
    player *self = context;
    float *noise = white_noise(PLUG_RATE, 3), out[2][PLUG_BLOCK];
    for (; !atomic_load(&self->stop); ++self->played) {
        play_block(self->plug, self->played, noise, out);
        pause_for((double)PLUG_BLOCK / PLUG_RATE);
    }
    free(noise);
    return NULL;
}

/* ---- windows ---- */

static void tick(plug *p) {
    desk_handle();
    if (!desk_handles_all()) plug_tick(p);
}

static void tick_for(plug *p, double time) {
    const int ticks = (int)ceil(time / 0.033);
    for (int i = 0; i < ticks; ++i) {
        tick(p);
        pause_for(0.033);
    }
}

static void many(uint32_t count) {
    plug *plugs[64] = {NULL};
    uintptr_t parents[64];
    bool shown[64] = {false};
    uint32_t seed = 5;
    count = count < 64 ? count : 64;
    for (uint32_t i = 0; i < count; ++i) {
        plugs[i] = plug_open();
        parents[i] = desk_make(200, 200);
    }
    for (uint32_t step = 0; step < 6 * count; ++step) {
        const uint32_t i = next_number(&seed) % count;
        if (shown[i])
            plug_hide(plugs[i]);
        else
            CHECK(plug_show(plugs[i], parents[i], 1 + next_number(&seed) % 3));
        shown[i] = !shown[i];
        for (uint32_t k = 0; k < count; ++k)
            if (shown[k] && next_number(&seed) % 4 == 0) tick(plugs[k]);
    }
    for (uint32_t i = 0; i < count; ++i) plug_close(plugs[i]);
    for (uint32_t i = 0; i < count; ++i) desk_destroy(parents[i]);
}

static void orphan(void) {
    plug *p = plug_open();
    const uintptr_t parent = desk_make(300, 300);
    CHECK(plug_show(p, parent, 1));
    tick_for(p, 0.2);
    desk_destroy(parent);
    tick_for(p, 0.3);
    (void)plug_resize(p, 100, 100);
    plug_close(p);
}

static bool refuses(void) {
    plug *p = plug_open();
    const bool shown = plug_show(p, 0x7FFFFFF, 1);
    plug_close(p);
    return !shown;
}

static double opening(void) {
    plug *p = plug_open();
    const uintptr_t parent = desk_make(300, 300);
    const double from = seconds(CLOCK_MONOTONIC);
    CHECK(plug_show(p, parent, 1));
    tick(p);
    const double took = seconds(CLOCK_MONOTONIC) - from;
    plug_close(p);
    desk_destroy(parent);
    return took * 1000;
}

static uint32_t sound(bool with_window) {
    static const uint32_t source = 1001, target = 1016, low = 1014, high = 1015; /* of slot 1 */
    plug *p = plug_open();
    const uintptr_t parent = desk_make(300, 300);
    float *noise = white_noise(PLUG_RATE, 3), out[2][PLUG_BLOCK];
    uint32_t sum = 2166136261U;
    if (with_window) CHECK(plug_show(p, parent, 1));
    plug_set(p, source, 1);
    plug_set(p, target, 1);
    plug_set(p, low, 0.8);
    plug_set(p, high, 0.3);
    for (uint64_t block = 0; block < 3 * PLUG_RATE / PLUG_BLOCK; ++block) {
        play_block(p, block, noise, out);
        if (with_window && block % 8 == 0) tick(p);
        const unsigned char *bytes = (const unsigned char *)out;
        const size_t size = sizeof out;
        for (size_t i = 0; i < size; ++i) sum = (sum ^ bytes[i]) * 16777619U;
    }
    plug_close(p);
    free(noise);
    desk_destroy(parent);
    return sum;
}

/* ---- what is asked for ---- */

typedef struct {
    player player;
    uintptr_t parent;
    bool shown;
} session;

static bool show(session *self, double scale) {
    self->shown = plug_show(self->player.plug, self->parent, scale);
    return self->shown;
}

/* Whether a line is a word and `count` numbers. */
static bool asks(const char *line, const char *word, double *values, int count) {
    const size_t length = strlen(word);
    if (strncmp(line, word, length) != 0 || line[length] != ' ') return false;
    const char *at = line + length;
    for (int i = 0; i < count; ++i) {
        char *end = NULL;
        values[i] = strtod(at, &end);
        if (end == at) return false;
        at = end;
    }
    return true;
}

static void obey(session *self, const char *line) {
    plug *p = self->player.plug;
    char answer[64] = "ok";
    double v[2] = {0, 0};
    if (asks(line, "set", v, 2)) {
        plug_set(p, (uint32_t)v[0], v[1]);
    } else if (asks(line, "get", v, 1)) {
        (void)snprintf(answer, sizeof answer, "value %.6g", plug_get(p, (uint32_t)v[0]));
    } else if (asks(line, "size", v, 2)) {
        const uint32_t width = (uint32_t)v[0], height = (uint32_t)v[1];
        desk_resize(self->parent, width, height);
        if (!plug_resize(p, width, height)) (void)snprintf(answer, sizeof answer, "refused");
    } else if (asks(line, "scale", v, 1)) {
        plug_hide(p);
        if (!show(self, v[0])) (void)snprintf(answer, sizeof answer, "refused");
    } else if (asks(line, "wait", v, 1)) {
        tick_for(p, v[0]);
    } else if (asks(line, "many", v, 1)) {
        many((uint32_t)v[0]);
    } else if (strncmp(line, "show", 4) == 0) {
        if (!show(self, 1)) (void)snprintf(answer, sizeof answer, "refused");
    } else if (strncmp(line, "hide", 4) == 0) {
        plug_hide(p);
        self->shown = false;
    } else if (strncmp(line, "unmap", 5) == 0) {
        desk_map(self->parent, false);
    } else if (strncmp(line, "map", 3) == 0) {
        desk_map(self->parent, true);
    } else if (strncmp(line, "orphan", 6) == 0) {
        orphan();
    } else if (strncmp(line, "strange", 7) == 0) {
        if (!refuses()) (void)snprintf(answer, sizeof answer, "not refused");
    } else if (strncmp(line, "opening", 7) == 0) {
        (void)snprintf(answer, sizeof answer, "value %.1f", opening());
    } else if (strncmp(line, "sound", 5) == 0) {
        (void)snprintf(answer, sizeof answer, "value %u", sound(self->shown));
    } else if (strncmp(line, "load", 4) == 0) {
        const double from = seconds(CLOCK_THREAD_CPUTIME_ID);
        tick_for(p, 3);
        const double share = (seconds(CLOCK_THREAD_CPUTIME_ID) - from) / 3;
        (void)snprintf(answer, sizeof answer, "value %.2f", 100 * share);
    } else {
        (void)snprintf(answer, sizeof answer, "what?");
    }
    say(answer);
}

/* ---- lines of the input, which a thread waits for ---- */

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t taken;
    char line[256]; /* "": none that has not been taken */
    bool ended;
} inbox;

static void *read_lines(void *context) {
    inbox *self = context;
    char line[256];
    while (fgets(line, sizeof line, stdin) != NULL) {
        (void)pthread_mutex_lock(&self->lock);
        while (self->line[0] != '\0') (void)pthread_cond_wait(&self->taken, &self->lock);
        (void)snprintf(self->line, sizeof self->line, "%s", line);
        (void)pthread_mutex_unlock(&self->lock);
    }
    (void)pthread_mutex_lock(&self->lock);
    self->ended = true;
    (void)pthread_mutex_unlock(&self->lock);
    return NULL;
}

/* A line, "" if there is none now; false at the end. */
static bool take_line(inbox *self, char *line, size_t size) {
    (void)pthread_mutex_lock(&self->lock);
    const bool more = self->line[0] != '\0' || !self->ended;
    (void)snprintf(line, size, "%s", self->line);
    self->line[0] = '\0';
    (void)pthread_cond_signal(&self->taken);
    (void)pthread_mutex_unlock(&self->lock);
    return more;
}

static void work(session *self) {
    inbox input = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, "", false};
    pthread_t reader;
    char line[256];
    (void)pthread_create(&reader, NULL, read_lines, &input);
    while (take_line(&input, line, sizeof line)) {
        if (line[0] != '\0') obey(self, line);
        tick(self->player.plug);
        if (line[0] == '\0') pause_for(0.033);
    }
    (void)pthread_join(reader, NULL);
}

int main(int count, char **arguments) {
    if (count != 2 || !desk_open()) {
        fputs("window_host LIBRARY, with a display\n", stderr);
        return EXIT_FAILURE;
    }
    const char *slash = strrchr(arguments[1], '/');
    (void)snprintf(folder, sizeof folder, "%.*s",
                   slash != NULL ? (int)(slash - arguments[1] + 1) : 0, arguments[1]);
    plug_load(arguments[1]);
    session self = {.player = {.plug = plug_open()}, .parent = desk_make(960, 560)};
    (void)pthread_create(&self.player.thread, NULL, play, &self.player);
    char line[64];
    (void)snprintf(line, sizeof line, show(&self, 1) ? "window %llu" : "no window",
                   (unsigned long long)self.parent);
    say(line);
    desk_note_class(self.parent);
    work(&self);
    atomic_store(&self.player.stop, true);
    (void)pthread_join(self.player.thread, NULL);
    plug_close(self.player.plug);
    CHECK(self.player.played > 0 && !desk_has_class());
    const int status = closing_line();
    fflush(stdout);
    _exit(status); /* Xlib's own end may want a display */
}
