# The toolchain for WebAssembly: zig's clang and WASI's C library, from the Python package ziglang.
#   cmake -S native -B build/web -DCMAKE_TOOLCHAIN_FILE=browser/wasm.cmake -DTAGNODE_BROWSER=ON
# TAGNODE_PYTHON is the Python that has it; TAGNODE_SIMD128=OFF makes the build for browsers without
# SIMD.
set(TAGNODE_PYTHON python3 CACHE STRING "Python with the package ziglang")
option(TAGNODE_SIMD128 "Use WebAssembly's SIMD" ON)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES TAGNODE_PYTHON TAGNODE_SIMD128)
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
foreach(tool cc ar ranlib)
  set(script ${CMAKE_BINARY_DIR}/zig-${tool})
  file(WRITE ${script} "#!/bin/sh\nexec '${TAGNODE_PYTHON}' -m ziglang ${tool} \"$@\"\n")
  file(CHMOD ${script} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
endforeach()
set(CMAKE_C_COMPILER ${CMAKE_BINARY_DIR}/zig-cc)
set(CMAKE_C_COMPILER_TARGET wasm32-wasi)
set(CMAKE_AR ${CMAKE_BINARY_DIR}/zig-ar)
set(CMAKE_RANLIB ${CMAKE_BINARY_DIR}/zig-ranlib)
set(CMAKE_C_FLAGS_INIT "-target wasm32-wasi")
if(TAGNODE_SIMD128)
  string(APPEND CMAKE_C_FLAGS_INIT " -msimd128")
endif()
