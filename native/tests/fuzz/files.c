/* files.c - runs a fuzzer's target on the files and folders that are named: inputs that once broke
 * a guarantee. */
#include <dirent.h>

#include "fuzz.h"

enum { MOST = 1 << 20 };

static unsigned inputs;

static bool run_file(const char *path) {
    static uint8_t bytes[MOST];
    FILE *file = fopen(path, "rb");
    if (file == NULL) return false;
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    (void)LLVMFuzzerTestOneInput(bytes, size);
    ++inputs;
    return true;
}

static bool run_folder(DIR *folder, const char *name) {
    const struct dirent *entry;
    bool whole = true;
    while ((entry = readdir(folder)) != NULL) { // NOLINT(concurrency-mt-unsafe): one thread
        char path[1024];
        if (entry->d_name[0] == '.') continue;
        (void)snprintf(path, sizeof path, "%s/%s", name, entry->d_name);
        whole = run_file(path) && whole;
    }
    return whole;
}

int main(int count, char **names) {
    bool whole = true;
    for (int i = 1; i < count; ++i) {
        DIR *folder = opendir(names[i]);
        const bool found = folder != NULL ? run_folder(folder, names[i]) : run_file(names[i]);
        if (!found) fprintf(stderr, "%s cannot be read\n", names[i]);
        if (folder != NULL) (void)closedir(folder);
        whole = whole && found;
    }
    printf("%u inputs\n", inputs);
    return whole ? EXIT_SUCCESS : EXIT_FAILURE;
}
