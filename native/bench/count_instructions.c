/* count_instructions.c - a plugin of QEMU's user emulator that prints how many instructions of the
 * guest a program took: qemu-aarch64 -plugin count_instructions.so -d plugin PROGRAM. It declares
 * what it uses of qemu-plugin.h (version 1 of the interface, QEMU 4.2 to 8), which Debian does not
 * package. */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
typedef void (*translated)(uint64_t plugin, struct qemu_plugin_tb *block);

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t plugin, translated callback);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, int operation,
                                              void *counter, uint64_t value);
void qemu_plugin_register_atexit_cb(uint64_t plugin, void (*callback)(uint64_t, void *),
                                    void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
void qemu_plugin_outs(const char *text);

EXPORT int qemu_plugin_version = 1;
static uint64_t count;

static void add_to_count(uint64_t plugin, struct qemu_plugin_tb *block) {
    enum { ADD = 0 };
    (void)plugin;
    qemu_plugin_register_vcpu_tb_exec_inline(block, ADD, &count, qemu_plugin_tb_n_insns(block));
}

static void print(uint64_t plugin, void *data) {
    char text[64];
    (void)plugin;
    (void)data;
    (void)snprintf(text, sizeof text, "instructions %" PRIu64 "\n", count);
    qemu_plugin_outs(text);
}

EXPORT int qemu_plugin_install(uint64_t plugin, const void *info, int argc, char **argv) {
    (void)info;
    (void)argc;
    (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(plugin, add_to_count);
    qemu_plugin_register_atexit_cb(plugin, print, NULL);
    return 0;
}
