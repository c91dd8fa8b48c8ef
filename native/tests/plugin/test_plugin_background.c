/* test_plugin_background.c - the background thread: OSC, models, and a host's other threads
 * that set, save, load and read during process. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <pwd.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "core/osc.h"
#include "rig.h"
#include "system/system.h"

/* ---- OSC ---- */

static void test_osc_is_a_message_with_one_float(void) {
    unsigned char packet[TAGPLUG_OSC_MOST];
    CHECK(tagplug_osc(4, 0.15625F, packet) == 24); /* 0x3e200000 */
    CHECK(memcmp(packet, "/tagnode/slot/5\0,f\0\0\x3e\x20\0\0", 24) == 0);
    CHECK(tagplug_osc(15, 0.15625F, packet) == 28);
    CHECK(memcmp(packet, "/tagnode/slot/16\0\0\0\0,f\0\0\x3e\x20\0\0", 28) == 0);
}

static int listen_on(uint16_t *port) {
    const int made = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in at;
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    const struct timeval patience = {.tv_sec = 10};
    if (made < 0 || bind(made, (struct sockaddr *)&at, sizeof at) != 0 ||
        getsockname(made, (struct sockaddr *)&at, &size) != 0 ||
        setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0)
        abort();
    *port = ntohs(at.sin_port);
    return made;
}

static void play_silence(tagplug *p, int blocks) {
    static float out[2][512];
    static const float zeros[2][512];
    const float *const input[2] = {zeros[0], zeros[1]};
    float *const output[2] = {out[0], out[1]};
    for (int i = 0; i < blocks; ++i) tagplug_process(p, input, output, 512, NULL, NULL, 0);
}

static void play_one(tagplug *p) {
    play_silence(p, 1);
}

/* The value of the next message of this slot; -1 when none comes. */
static float next_value(int socket, uint32_t slot) {
    for (;;) {
        unsigned char packet[64], due[TAGPLUG_OSC_MOST];
        const ssize_t size = recv(socket, packet, sizeof packet, 0);
        if (size < 0) return -1;
        const size_t expected = tagplug_osc(slot, 0, due);
        if ((size_t)size != expected || memcmp(packet, due, expected - 4) != 0) continue;
        const unsigned char *number = packet + expected - 4;
        const uint32_t bits = (uint32_t)number[0] << 24 | (uint32_t)number[1] << 16 |
                              (uint32_t)number[2] << 8 | number[3];
        float value = 0;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
}

static void test_values_are_sent_when_they_change(void) {
    uint16_t port = 0;
    const int socket = listen_on(&port);
    tagplug *p = tagplug_create(folder);
    set_field(p, 1, TAGPLUG_MIN, 0.25);
    tagplug_activate(p, 48000, 2);
    play_silence(p, 1);
    tagplug_set(p, TAGPLUG_OSC_PORT, port);
    CHECK(next_value(socket, 0) == 0); /* all of them at first */
    CHECK(next_value(socket, 1) == 0.25F);
    CHECK(next_value(socket, 7) == 0);
    set_field(p, 1, TAGPLUG_MIN, 0.75);
    play_silence(p, 1);
    CHECK(next_value(socket, 1) == 0.75F);
    pause_ms(100); /* and then nothing */
    unsigned char packet[64];
    CHECK(recv(socket, packet, sizeof packet, MSG_DONTWAIT) < 0);
    tagplug_destroy(p);
    (void)close(socket);
}

/* ---- a host's threads ---- */

typedef struct {
    tagplug *plugin;
    _Atomic bool done;
    bool passed;
} stage;

static void *play(void *context) {
    stage *self = context;
    static float in[2][256], out[2][256];
    tagplug_midi midi[TAGPLUG_MIDI_MOST];
    uint32_t random = 5;
    self->passed = true;
    for (int i = 0; i < 4000; ++i) {
        const uint32_t frames = next_number(&random) % 257;
        for (uint32_t j = 0; j < 256; ++j)
            in[0][j] = in[1][j] = (float)next_number(&random) / 4.3e9F - 0.5F;
        const float *const input[2] = {in[0], in[1]};
        float *const output[2] = {out[0], out[1]};
        uint32_t count = 0;
        tagplug_process(self->plugin, input, output, frames, midi, &count, 0);
        for (uint32_t j = 0; j < frames; ++j) self->passed &= isfinite(out[0][j]) != 0;
        if (i % 500 == 499) tagplug_reset(self->plugin);
        if (i % 40 == 0) pause_ms(1); /* let other threads run */
    }
    atomic_store(&self->done, true);
    return NULL;
}

static void *automate(void *context) { /* some hosts set parameters from a thread of their own */
    stage *self = context;
    uint32_t random = 77;
    while (!atomic_load(&self->done)) {
        const uint32_t parameter = next_number(&random) % (TAGPLUG_PARAMETERS + 3);
        if (parameter != TAGPLUG_OSC_PORT)
            tagplug_set(self->plugin, parameter,
                        tagplug_denormalise(parameter, (float)(next_number(&random) % 101) / 100));
        (void)tagplug_get(self->plugin, next_number(&random) % TAGPLUG_PARAMETERS);
        (void)tagplug_revision(self->plugin);
        if (next_number(&random) % 64 == 0) pause_ms(1);
    }
    return NULL;
}

static void test_a_host_may_set_save_load_and_read_during_process(void) {
    stage self = {.plugin = tagplug_create(folder)};
    static unsigned char state[TAGPLUG_STATE_MOST];
    const size_t size = tagplug_save(self.plugin, state, sizeof state);
    tagplug_activate(self.plugin, 48000, 2);
    pthread_t audio, automation;
    CHECK(pthread_create(&audio, NULL, play, &self) == 0);
    CHECK(pthread_create(&automation, NULL, automate, &self) == 0);
    static unsigned char other[TAGPLUG_STATE_MOST];
    for (uint32_t i = 0; !atomic_load(&self.done); ++i) {
        tagnode_message why;
        char text[64];
        float value = 0;
        (void)tagplug_save(self.plugin, other, sizeof other);
        if (i % 5 == 0) CHECK(tagplug_load(self.plugin, state, size, &why) == TAGNODE_OK);
        tagplug_explain(self.plugin, &why);
        for (uint32_t k = 0; k < TAGPLUG_PARAMETERS; k += 7)
            tagplug_text(self.plugin, k, tagplug_get(self.plugin, k), text, sizeof text);
        (void)tagplug_value(self.plugin, tagplug_field_of(0, TAGPLUG_SOURCE), "tag.speech", &value);
        tagplug_set_offline(self.plugin, i % 16 == 15);
        pause_ms(1);
    }
    CHECK(pthread_join(audio, NULL) == 0 && pthread_join(automation, NULL) == 0);
    CHECK(self.passed);
    tagplug_destroy(self.plugin);
}

/* ---- instances that come and go on several threads at once ---- */

static void *come_and_go(void *context) {
    (void)context;
    for (int i = 0; i < 12; ++i) {
        tagplug *p = tagplug_create(folder);
        tagplug_set(p, TAGPLUG_MODEL, i % 2 ? CUSTOM_1 : SCENE);
        tagplug_activate(p, i % 3 ? 48000 : 44100, 2);
        tagplug_set(p, TAGPLUG_MODEL, i % 2 ? SCENE : CUSTOM_1);
        if (i % 4 == 0) pause_ms(12);
        if (i % 5 == 0) tagplug_activate(p, 96000, 1);
        tagplug_destroy(p);
    }
    return NULL;
}

static void test_instances_come_and_go_on_several_threads(void) {
    pthread_t threads[4];
    for (int i = 0; i < 4; ++i) CHECK(pthread_create(&threads[i], NULL, come_and_go, NULL) == 0);
    for (int i = 0; i < 4; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
}

/* ---- a file that takes its time ---- */

/* A model file that another thread reads until a writer closes it: a FIFO. */
static int begin_slow_file(const char *path) {
    int writer = -1;
    /* Without a reader there is no writer; the reader is within its load from then on. */
    while ((writer = open(path, O_WRONLY | O_NONBLOCK)) < 0) pause_ms(1);
    (void)fcntl(writer, F_SETFL, 0);
    return writer;
}

static void end_slow_file(int writer) {
    static file f;
    make_container(&f, "valid", SCENE_LABELS, false);
    CHECK(write(writer, f.bytes, f.size) == (ssize_t)f.size);
    (void)close(writer);
}

/* All that a host's main thread does with other instances, with their models from the file to the
 * first block. */
static void use_another_instance(void) {
    char text[64];
    static unsigned char bytes[TAGPLUG_STATE_MOST];
    tagplug *p = tagplug_create(folder);
    tagplug_activate(p, 48000, 2);
    play_silence(p, 2);
    const uint32_t before = tagplug_revision(p);
    tagplug_set(p, TAGPLUG_MODEL, CUSTOM_1);
    while (tagplug_revision(p) == before) pause_ms(1);
    play_silence(p, 2);
    CHECK(reaches(p, TAGPLUG_STATUS_OK, NULL));
    tagplug_text(p, tagplug_field_of(0, TAGPLUG_SOURCE), FLUTE, text, sizeof text);
    CHECK(strcmp(text, "flute") == 0);
    const size_t size = tagplug_save(p, bytes, sizeof bytes);
    CHECK(size > 0 && tagplug_load(p, bytes, size, NULL) == TAGNODE_OK);
    tagplug_deactivate(p);
    tagplug_destroy(p);
}

static void *play_offline(void *context) {
    play_silence(context, 1);
    return NULL;
}

/* A model that loads slowly, on a thread of its own or in process when offline, holds up no other
 * instance, nor the texts and the state of its own. */
static void test_a_slow_file_holds_up_no_other_instance(void) {
    char path[512], text[64];
    static unsigned char bytes[TAGPLUG_STATE_MOST];
    (void)snprintf(path, sizeof path, "%s/plugins/custom-3.tagnode", folder);
    for (int offline = 0; offline < 2; ++offline) {
        pthread_t audio;
        if (mkfifo(path, 0600) != 0) abort();
        tagplug *slow = tagplug_create(folder);
        tagplug_activate(slow, 48000, 2);
        if (offline) tagplug_set_offline(slow, true);
        tagplug_set(slow, TAGPLUG_MODEL, CUSTOM_3);
        if (offline) CHECK(pthread_create(&audio, NULL, play_offline, slow) == 0);
        const int writer = begin_slow_file(path);
        use_another_instance();
        tagplug_text(slow, tagplug_field_of(0, TAGPLUG_SOURCE), DRUMS, text, sizeof text);
        CHECK(strncmp(text, "drums", 5) == 0 || strncmp(text, "tag.drums", 9) == 0);
        CHECK(tagplug_save(slow, bytes, sizeof bytes) > 0);
        use_another_instance();
        CHECK(tagplug_get(slow, TAGPLUG_STATUS) == TAGPLUG_STATUS_LOADING); /* still */
        end_slow_file(writer);
        if (offline) CHECK(pthread_join(audio, NULL) == 0);
        CHECK(reaches(slow, TAGPLUG_STATUS_OK, offline ? NULL : play_one));
        tagplug_destroy(slow);
        CHECK(remove(path) == 0);
    }
}

/* ---- a host that forks ---- */

static void test_a_child_process_destroys_instances_of_its_parent(void) {
    for (int i = 0; i < 30; ++i) {
        tagplug *p = tagplug_create(folder);
        tagplug_activate(p, 48000, 2);
        tagplug_set(p, TAGPLUG_MODEL, CUSTOM_1); /* loaded at about the time of the fork */
        pause_ms(i % 15);
        const pid_t child = fork();
        if (child == 0) {
            (void)alarm(20);
            tagplug_destroy(p);
            _exit(0);
        }
        int status = -1;
        CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
        tagplug_destroy(p);
    }
}

/* ---- where models are ---- */

static bool models_are_in(const char *chosen, const char *data, const char *home, const char *due) {
    const char *const names[] = {"PYPLUGIN_MODELS", "XDG_DATA_HOME", "HOME"};
    const char *const values[] = {chosen, data, home};
    char path[512] = "";
    for (size_t i = 0; i < 3; ++i)
        if ((values[i] == NULL ? unsetenv(names[i]) : setenv(names[i], values[i], 1)) != 0) abort();
    if (tagplug_models_folder(path, sizeof path) && strcmp(path, due) == 0) return true;
    fprintf(stderr, "they are in %s, not in %s\n", path, due);
    return false;
}

/* As in pyplugin/models/folders.py. */
static void test_models_are_where_pyplugin_puts_them(void) {
    CHECK(models_are_in("/m", "/d", "/h", "/m"));
    CHECK(models_are_in("~/m", "/d", "/h", "/h/m") && models_are_in("~", "/d", "/h", "/h"));
    CHECK(models_are_in("", "/d", "/h", "/d/pyplugin/models"));
    CHECK(models_are_in(NULL, "/d", NULL, "/d/pyplugin/models"));
    char known[512];
    const struct passwd *entry = getpwuid(getuid());
    (void)snprintf(known, sizeof known, "%.400s/m", entry == NULL ? "" : entry->pw_dir);
    CHECK(entry == NULL || models_are_in("~/m", NULL, NULL, known));
#if !defined(__APPLE__)
    CHECK(models_are_in(NULL, NULL, "/h", "/h/.local/share/pyplugin/models"));
    CHECK(models_are_in(NULL, "here", "/h", "/h/.local/share/pyplugin/models"));
#endif
}

int main(void) {
    (void)alarm(240); /* what waits for ever fails */
    make_folder();
    test_osc_is_a_message_with_one_float();
    test_values_are_sent_when_they_change();
    test_a_host_may_set_save_load_and_read_during_process();
    test_instances_come_and_go_on_several_threads();
    test_a_slow_file_holds_up_no_other_instance();
    test_a_child_process_destroys_instances_of_its_parent();
    remove_folder();
    test_models_are_where_pyplugin_puts_them();
    return closing_line();
}
