/* host_lv2.c - what the LV2 plugin promises to hosts with any features and block sizes. */
#include <pthread.h>

#include "lv2_rack.h"

enum { RATE = 48000, LENGTH = RATE, INSTANCES = 32 };

static float *noise; /* LENGTH samples */

static bool same(const float *a, const float *b, size_t count) {
    return memcmp(a, b, count * sizeof *a) == 0;
}

/* Slot `slot` follows the level. */
static void follow_level(rack *r, uint32_t slot) {
    *field(r, slot, TAGPLUG_SOURCE) = 1 + TAGNODE_SIGNAL_RMS_DB;
}

/* ---- audio ---- */

static bool passes(rack *r, uint32_t frames) {
    feed(r, noise, 100, frames);
    return same(r->in[0], r->out[0], frames) && same(r->in[1], r->out[1], frames) &&
           r->ports[TAGPLUG_LV2_DELAY] == 0;
}

static void test_audio_passes_bit_for_bit_in_any_block(const lv2_plugin *plugin) {
    static const uint32_t blocks[] = {0, 1, 2, 63, 64, 65, 512, 0, 4095, 4096, MOST};
    rack *r = playing(plugin, RATE);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i) CHECK(passes(r, blocks[i]));
    r->in[0][0] = NAN;
    r->in[1][1] = INFINITY;
    r->in[0][2] = -0.0F;
    r->in[1][3] = 1e-41F;
    run_block(r, 64);
    CHECK(same(r->in[0], r->out[0], 64) && same(r->in[1], r->out[1], 64));
    stopped(r);
}

static void test_audio_passes_without_any_feature(const lv2_plugin *plugin) {
    static state nothing;
    rack *r = inserted(plugin, RATE, false);
    plugin->activate(r->instance);
    follow_level(r, 0);
    for (int i = 0; i < 100; ++i) CHECK(passes(r, 512));
    CHECK(*port(r, TAGPLUG_VALUE_1) > 0.5F);
    CHECK(save_to(r, &nothing) == LV2_STATE_NO_FEATURE);
    CHECK(restore_from(r, &nothing) == LV2_STATE_NO_FEATURE);
    stopped(r);
}

static void test_audio_passes_in_place_and_crossed(const lv2_plugin *plugin) {
    rack *r = playing(plugin, RATE);
    float *left = r->in[0], *right = r->in[1];
    connect_audio(r, left, right, left, right);
    feed(r, noise, 0, 1000);
    CHECK(same(left, noise, 1000) && right[999] == -0.5F * noise[999]);
    connect_audio(r, left, right, right, left);
    feed(r, noise, 0, 1000);
    CHECK(same(right, noise, 1000));
    for (int i = 0; i < 1000; ++i) CHECK(left[i] == -0.5F * noise[i]);
    connect_audio(r, left, left, r->out[0], r->out[1]);
    feed(r, noise, 0, 1000);
    CHECK(same(r->out[0], noise, 1000) && same(r->out[1], noise, 1000));
    stopped(r);
}

static void test_audio_passes_at_any_rate_and_the_status_reports_unsupported_ones(
    const lv2_plugin *plugin) {
    static const double rates[] = {7999, 8000, 11025, 44100, 192000, 192001, 1, 1e9, 0, -1, NAN};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; ++i) {
        rack *r = playing(plugin, rates[i]);
        follow_level(r, 0);
        for (int block = 0; block < 20; ++block) CHECK(passes(r, 1024));
        const bool supported = rates[i] >= TAGNODE_MIN_RATE && rates[i] <= TAGNODE_MAX_RATE;
        CHECK((*port(r, TAGPLUG_STATUS) == TAGPLUG_STATUS_RATE) != supported);
        CHECK((*port(r, TAGPLUG_VALUE_1) > 0.5F) == supported);
        CHECK(supported || strstr(host.logged, "192000 Hz") != NULL);
        stopped(r);
    }
}

static void test_a_disabled_plugin_leaves_the_audio_unchanged(const lv2_plugin *plugin) {
    rack *r = playing(plugin, RATE);
    follow_level(r, 0);
    *field(r, 0, TAGPLUG_TARGET) = TAGPLUG_TARGET_GAIN;
    for (int i = 0; i < 50; ++i) feed(r, noise, 100, 512);
    CHECK(!same(r->in[0], r->out[0], 512));
    *port(r, TAGPLUG_BYPASS) = 0;
    for (int i = 0; i < 50; ++i) feed(r, noise, 100, 512); /* until fades have ended */
    CHECK(passes(r, 512));
    CHECK(*port(r, TAGPLUG_VALUE_1) > 0.5F); /* the analysis goes on */
    stopped(r);
}

/* ---- values ---- */

static void test_a_value_follows_the_level(const lv2_plugin *plugin) {
    static const float silence[512];
    rack *r = playing(plugin, RATE);
    follow_level(r, 3);
    for (int i = 0; i < 50; ++i) feed(r, silence, 0, 512);
    CHECK(*port(r, TAGPLUG_VALUE_1 + 3) == 0);
    for (int i = 0; i < 50; ++i) feed(r, noise, 0, 512);
    CHECK(*port(r, TAGPLUG_VALUE_1 + 3) > 0.8F);
    CHECK(*port(r, TAGPLUG_VALUE_1) == 0); /* a slot without a source */
    *field(r, 3, TAGPLUG_RELEASE) = 0;
    for (int i = 0; i < 50; ++i) feed(r, silence, 0, 512);
    CHECK(*port(r, TAGPLUG_VALUE_1 + 3) < 0.01F);
    stopped(r);
}

/* scene labels white noise as noise. The status of a build without scene is "missing". */
static void test_a_label_moves_a_value_or_the_status_has_the_reason(const lv2_plugin *plugin) {
    rack *r = playing(plugin, RATE);
    *port(r, TAGPLUG_MODEL) = 1;
    *field(r, 0, TAGPLUG_SOURCE) = 105; /* tag.noise */
    for (size_t i = 0; i < 300; ++i) feed(r, noise, i * 512 % LENGTH, 512);
    if (*port(r, TAGPLUG_STATUS) == TAGPLUG_STATUS_OK) {
        CHECK(*port(r, TAGPLUG_VALUE_1) > 0.8F);
        CHECK(*port(r, TAGPLUG_WINDOW) > 0.5F);
    } else {
        CHECK(*port(r, TAGPLUG_STATUS) == TAGPLUG_STATUS_MODEL_MISSING);
        CHECK(strstr(host.logged, "scene") != NULL);
    }
    stopped(r);
}

typedef struct {
    float audio[LENGTH];
    float values[TAGPLUG_SLOTS];
    struct {
        int64_t position;
        unsigned char bytes[3];
    } messages[4096];
    size_t count;
} take;

static void arm(rack *r) {
    static const float targets[] = {TAGPLUG_TARGET_GAIN, TAGPLUG_TARGET_LOW_PASS,
                                    TAGPLUG_TARGET_WIDTH, TAGPLUG_TARGET_DELAY};
    static const float sources[] = {1 + TAGNODE_SIGNAL_RMS_DB, 1 + TAGNODE_SIGNAL_BRIGHTNESS_HZ,
                                    1 + TAGNODE_SIGNAL_CREST_DB, 1 + TAGNODE_SIGNAL_FLUX};
    for (uint32_t slot = 0; slot < 4; ++slot) {
        *field(r, slot, TAGPLUG_SOURCE) = sources[slot];
        *field(r, slot, TAGPLUG_TARGET) = targets[slot];
        *field(r, slot, TAGPLUG_MIDI) = (float)(slot % 3);
        *field(r, slot, TAGPLUG_CC) = (float)slot;
    }
}

/* Noise that comes and goes, in blocks of up to `most`. */
static take *recorded(const lv2_plugin *plugin, uint32_t most, uint32_t seed) {
    take *t = calloc(1, sizeof *t);
    rack *r = playing(plugin, RATE);
    if (t == NULL) abort();
    arm(r);
    for (size_t from = 0; from < LENGTH;) {
        uint32_t frames = seed == 0 ? most : next_number(&seed) % (most + 1);
        if (frames > LENGTH - from) frames = (uint32_t)(LENGTH - from);
        feed(r, noise, from, frames);
        memcpy(t->audio + from, r->out[0], frames * sizeof *t->audio);
        CHECK(midi_is_valid(r, frames));
        for (uint32_t i = 0; i < messages_in(r) && t->count < 4096; ++i, ++t->count)
            t->messages[t->count].position =
                (int64_t)from + message_at(r, i, t->messages[t->count].bytes).frames;
        from += frames;
    }
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) t->values[i] = *port(r, TAGPLUG_VALUE_1 + i);
    stopped(r);
    return t;
}

static void test_block_sizes_change_neither_audio_nor_values_nor_messages(
    const lv2_plugin *plugin) {
    take *first = recorded(plugin, 64, 0);
    CHECK(first->count > 10);
    CHECK(!same(first->audio, noise, LENGTH));
    for (uint32_t seed = 0; seed < 4; ++seed) {
        take *other = recorded(plugin, seed == 0 ? 1000 : 600 * seed, seed);
        CHECK(same(first->audio, other->audio, LENGTH));
        CHECK(same(first->values, other->values, TAGPLUG_SLOTS));
        CHECK(first->count == other->count);
        CHECK(memcmp(first->messages, other->messages, sizeof first->messages) == 0);
        free(other);
    }
    free(first);
}

static void test_midi_stays_within_the_buffer_of_the_host(const lv2_plugin *plugin) {
    static const uint32_t rooms[] = {0, 7, 8, 31, 32, 33, 8 + 2 * TAGPLUG_LV2_MESSAGE};
    rack *r = playing(plugin, RATE);
    arm(r);
    for (size_t i = 0; i < 10 * sizeof rooms / sizeof *rooms; ++i) {
        r->midi_room = rooms[i % 7];
        memset(&r->midi, 0xAA, sizeof r->midi);
        feed(r, noise, i * 500, 4096);
        if (r->midi_room >= 8) CHECK(midi_is_valid(r, 4096));
        for (size_t byte = sizeof(lv2_atom) + r->midi_room; byte < sizeof r->midi; ++byte)
            CHECK(r->midi.bytes[byte] == 0xAA || byte < sizeof(lv2_sequence));
    }
    stopped(r);
}

static void test_instances_are_independent(const lv2_plugin *plugin) {
    static rack *all[INSTANCES];
    for (uint32_t i = 0; i < INSTANCES; ++i) {
        all[i] = playing(plugin, RATE);
        arm(all[i]);
    }
    for (size_t from = 0; from + 512 <= LENGTH / 4; from += 512) {
        for (uint32_t i = 0; i < INSTANCES; ++i) feed(all[i], noise, from, 512);
        for (uint32_t i = 1; i < INSTANCES; ++i) {
            CHECK(same(all[0]->out[0], all[i]->out[0], 512));
            for (uint32_t slot = 0; slot < TAGPLUG_SLOTS; ++slot)
                CHECK(*port(all[0], TAGPLUG_VALUE_1 + slot) ==
                      *port(all[i], TAGPLUG_VALUE_1 + slot));
        }
    }
    for (uint32_t i = 0; i < INSTANCES; ++i) stopped(all[i]);
}

/* ---- sidechain ---- */

/* Slot 1 follows the level and moves the gain from 0 to -24 dB. */
static void duck(rack *r) {
    follow_level(r, 0);
    *field(r, 0, TAGPLUG_TARGET) = TAGPLUG_TARGET_GAIN;
    *field(r, 0, TAGPLUG_RELEASE) = 0.01F;
    *field(r, 0, TAGPLUG_MIN) = 0.8F;
    *field(r, 0, TAGPLUG_MAX) = 0.4F;
}

/* Gains along a sound that comes and goes, on the main input or on the sidechain. */
static void gains_along(rack *r, bool is_main, float *gains) {
    for (uint32_t from = 0; from + 500 <= LENGTH; from += 500) {
        for (uint32_t i = 0; i < 500; ++i) {
            const float loud = (from + i) / 12000 % 2 == 0 ? 0.5F : 1e-4F;
            r->side[0][i] = r->side[1][i] = loud * noise[from + i];
            r->in[0][i] = r->in[1][i] = is_main ? r->side[0][i] : 0.25F;
        }
        run_block(r, 500);
        for (uint32_t i = 0; i < 500; ++i) gains[from + i] = r->out[0][i] / r->in[0][i];
    }
}

/* On one port, on the other, and on both. */
static void test_a_sidechain_moves_the_effects_of_the_main_input(const lv2_plugin *plugin) {
    static float due[LENGTH], gains[LENGTH];
    rack *alone = playing(plugin, RATE);
    duck(alone);
    gains_along(alone, true, due);
    stopped(alone);
    CHECK(due[11900] < 0.2F && due[23900] > 0.8F);
    for (int way = 1; way < 4; ++way) {
        rack *r = playing(plugin, RATE);
        duck(r);
        *port(r, TAGPLUG_ANALYSIS_INPUT) = TAGPLUG_ANALYSE_SIDECHAIN;
        connect_sidechain(r, way != 2 ? r->side[0] : NULL, way != 1 ? r->side[1] : NULL);
        gains_along(r, false, gains);
        for (uint32_t i = 0; i < LENGTH; ++i) CHECK_NEAR(gains[i], due[i], 1e-5);
        stopped(r);
    }
}

static void test_a_sidechain_that_is_not_connected_is_silence(const lv2_plugin *plugin) {
    for (int way = 0; way < 2; ++way) {
        rack *r = playing(plugin, RATE);
        duck(r);
        *port(r, TAGPLUG_ANALYSIS_INPUT) = TAGPLUG_ANALYSE_SIDECHAIN;
        if (way == 1) connect_sidechain(r, r->side[0], r->side[1]); /* of zeros */
        for (int i = 0; i < 50; ++i) feed(r, noise, 0, 512);
        CHECK(*port(r, TAGPLUG_VALUE_1) == 0.8F);
        *port(r, TAGPLUG_ANALYSIS_INPUT) = TAGPLUG_ANALYSE_MAIN;
        for (int i = 0; i < 50; ++i) feed(r, noise, 0, 512);
        CHECK(*port(r, TAGPLUG_VALUE_1) < 0.5F);
        stopped(r);
    }
}

/* ---- state ---- */

static void run_a_while(rack *r, float *out) {
    for (size_t i = 0; i < 20; ++i) {
        feed(r, noise, i * 512, 512);
        memcpy(out + i * 512, r->out[0], 512 * sizeof *out);
    }
}

static void test_a_restored_state_sounds_the_same(const lv2_plugin *plugin) {
    static float first[20 * 512], second[20 * 512];
    static state kept_state;
    rack *r = playing(plugin, RATE);
    arm(r);
    run_a_while(r, first);
    CHECK(save_to(r, &kept_state) == LV2_STATE_OK);
    rack *again = inserted(plugin, RATE, true);
    CHECK(restore_from(again, &kept_state) == LV2_STATE_OK);
    memcpy(again->ports, r->ports, sizeof r->ports); /* as hosts do */
    plugin->activate(again->instance);
    run_a_while(again, second);
    CHECK(same(first, second, sizeof first / sizeof *first));
    stopped(again);
    stopped(r);
}

static void test_a_restored_port_changes_nothing_until_it_moves(const lv2_plugin *plugin) {
    static state kept_state, once_more;
    rack *r = playing(plugin, RATE);
    *field(r, 0, TAGPLUG_SOURCE) = 1 + TAGNODE_SIGNAL_RMS_DB;
    feed(r, noise, 0, 64);
    CHECK(save_to(r, &kept_state) == LV2_STATE_OK);
    rack *again = inserted(plugin, RATE, true);
    CHECK(restore_from(again, &kept_state) == LV2_STATE_OK);
    *field(again, 0, TAGPLUG_SOURCE) = 1 + TAGNODE_SIGNAL_RMS_DB;
    plugin->activate(again->instance);
    for (int i = 0; i < 50; ++i) feed(again, noise, 0, 512);
    CHECK(*port(again, TAGPLUG_VALUE_1) > 0.8F);
    CHECK(save_to(again, &once_more) == LV2_STATE_OK);
    CHECK(memcmp(&once_more, &kept_state, sizeof kept_state) == 0);
    *field(again, 0, TAGPLUG_SOURCE) = 1 + TAGNODE_SIGNAL_SILENCE;
    *field(again, 0, TAGPLUG_RELEASE) = 0;
    for (int i = 0; i < 100; ++i) feed(again, noise, 0, 512);
    CHECK(*port(again, TAGPLUG_VALUE_1) < 0.01F);
    stopped(again);
    stopped(r);
}

static void test_a_changed_port_overrides_the_state(const lv2_plugin *plugin) {
    static state kept_state;
    static float out[20 * 512];
    rack *r = playing(plugin, RATE);
    arm(r);
    run_a_while(r, out);
    CHECK(save_to(r, &kept_state) == LV2_STATE_OK);
    rack *again = inserted(plugin, RATE, true);
    CHECK(restore_from(again, &kept_state) == LV2_STATE_OK);
    plugin->activate(again->instance); /* its ports are at their defaults: no target */
    run_a_while(again, out);
    CHECK(same(out, noise, sizeof out / sizeof *out));
    stopped(again);
    stopped(r);
}

static void test_an_invalid_state_changes_nothing_and_is_logged(const lv2_plugin *plugin) {
    static state sound, bad, after;
    rack *r = playing(plugin, RATE);
    arm(r);
    feed(r, noise, 0, 64);
    CHECK(save_to(r, &sound) == LV2_STATE_OK);
    const size_t place = place_of(&sound, urid(TAGPLUG_LV2_STATE));
    CHECK(restore_from(r, &bad) == LV2_STATE_NO_PROPERTY);
    bad = sound;
    bad.kept[place].type = urid(LV2_ATOM_FLOAT);
    CHECK(restore_from(r, &bad) == LV2_STATE_BAD_TYPE);
    for (size_t size = 0; size < 16; ++size) {
        bad = sound;
        bad.kept[place].size = size;
        host.logged[0] = '\0';
        if (size >= 12) bad.kept[place].bytes[0] ^= 0xFF;
        CHECK(restore_from(r, &bad) == LV2_STATE_UNKNOWN);
        CHECK(strstr(host.logged, ".\n") != NULL);
    }
    CHECK(save_to(r, &after) == LV2_STATE_OK);
    CHECK(memcmp(&after, &sound, sizeof sound) == 0);
    stopped(r);
}

static void test_a_state_can_be_saved_before_the_first_block(const lv2_plugin *plugin) {
    static state kept_state;
    rack *r = inserted(plugin, RATE, true);
    CHECK(save_to(r, &kept_state) == LV2_STATE_OK);
    CHECK(kept_state.count == 1);
    CHECK(restore_from(r, &kept_state) == LV2_STATE_OK);
    removed(r);
}

typedef struct {
    rack *rack;
    state *state;
} saver;

static void *save_many(void *given) {
    const saver *s = given;
    for (int i = 0; i < 200; ++i) CHECK(save_to(s->rack, s->state) == LV2_STATE_OK);
    return NULL;
}

static void test_a_state_can_be_saved_during_run(const lv2_plugin *plugin) {
    static state kept_state;
    pthread_t thread;
    rack *r = playing(plugin, RATE);
    saver s = {r, &kept_state};
    arm(r);
    if (pthread_create(&thread, NULL, save_many, &s) != 0) abort();
    for (int i = 0; i < 200; ++i) {
        *field(r, 0, TAGPLUG_SOURCE) = (float)(i % 16);
        r->plugin->run(r->instance, 64);
    }
    pthread_join(thread, NULL);
    stopped(r);
}

/* ---- life ---- */

static void test_it_can_be_stopped_and_started_at_any_time(const lv2_plugin *plugin) {
    rack *r = inserted(plugin, RATE, true);
    for (int i = 0; i < 5; ++i) {
        plugin->activate(r->instance);
        follow_level(r, 0);
        for (int block = 0; block < 10; ++block) CHECK(passes(r, 4096)); /* more than promised */
        CHECK(*port(r, TAGPLUG_VALUE_1) > 0.5F);
        plugin->deactivate(r->instance);
        CHECK(passes(r, 64));
    }
    removed(r);
}

static void test_there_is_one_plugin_and_one_extension(const lv2_plugin *plugin) {
    CHECK(strcmp(plugin->uri, TAGNODE_PLUGIN_URI) == 0);
    CHECK(plugin->extension_data("urn:of:nothing") == NULL);
    CHECK(plugin->extension_data(LV2_STATE) != NULL);
}

int main(int count, char **arguments) {
    const lv2_plugin *plugin = plugin_of(count, arguments);
    noise = white_noise(LENGTH + MOST, 1);
    test_there_is_one_plugin_and_one_extension(plugin);
    test_audio_passes_bit_for_bit_in_any_block(plugin);
    test_audio_passes_without_any_feature(plugin);
    test_audio_passes_in_place_and_crossed(plugin);
    test_audio_passes_at_any_rate_and_the_status_reports_unsupported_ones(plugin);
    test_a_disabled_plugin_leaves_the_audio_unchanged(plugin);
    test_a_value_follows_the_level(plugin);
    test_a_label_moves_a_value_or_the_status_has_the_reason(plugin);
    test_block_sizes_change_neither_audio_nor_values_nor_messages(plugin);
    test_midi_stays_within_the_buffer_of_the_host(plugin);
    test_instances_are_independent(plugin);
    test_a_sidechain_moves_the_effects_of_the_main_input(plugin);
    test_a_sidechain_that_is_not_connected_is_silence(plugin);
    test_a_restored_state_sounds_the_same(plugin);
    test_a_restored_port_changes_nothing_until_it_moves(plugin);
    test_a_changed_port_overrides_the_state(plugin);
    test_an_invalid_state_changes_nothing_and_is_logged(plugin);
    test_a_state_can_be_saved_before_the_first_block(plugin);
    test_a_state_can_be_saved_during_run(plugin);
    test_it_can_be_stopped_and_started_at_any_time(plugin);
    free(noise);
    return closing_line();
}
