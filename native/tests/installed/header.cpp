// The header is C++ too.
#include <tagnode.h>

extern "C" const char *version_in_cpp() {
    return tagnode_version();
}
