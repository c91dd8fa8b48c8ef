# Writes a file as a C array: cmake -DINPUT=scene.tagnode -DOUTPUT=scene.c -P embed.cmake
# Without an input the array is empty.
set(bytes "0")
set(size 0)
if(INPUT)
  file(SIZE "${INPUT}" size)
  file(READ "${INPUT}" hex HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" lines "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${lines}")
endif()
file(WRITE "${OUTPUT}"
  "#include \"core/scene.h\"\n\nconst size_t tagplug_scene_size = ${size};\n"
  "const unsigned char tagplug_scene[] = {\n${bytes}\n};\n")
