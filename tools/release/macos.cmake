# Links a macOS plugin by LLVM's linker, as a bundle with an ad-hoc signature: zig's own linker makes
# programs and dynamic libraries only. CMake reads this after its own rules for Darwin.
set(CMAKE_C_CREATE_SHARED_MODULE
    "\"${TAGNODE_MACOS_LINKER}\" -bundle -arch ${CMAKE_SYSTEM_PROCESSOR} -platform_version macos ${TAGNODE_MACOS_VERSION} ${TAGNODE_MACOS_VERSION} -adhoc_codesign -dead_strip -x -S \"-L${TAGNODE_MACOS_LIBRARIES}\" -o <TARGET> <OBJECTS> <LINK_LIBRARIES> -lSystem")
