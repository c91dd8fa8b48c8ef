# A plugin is a file that hosts load; it shows its entry points only.
function(tagplug_module target folder file)
  target_link_libraries(${target} PRIVATE tagplug tagnode_flags)
  get_filename_component(name ${file} NAME_WLE)
  get_filename_component(suffix "${file}" LAST_EXT)
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} SUFFIX "${suffix}" LIBRARY_OUTPUT_DIRECTORY ${folder})
  if(WIN32) # the system's own libraries are all that it may need; symbols would be half of it
    target_link_options(${target} PRIVATE -static -s)
  endif()
endfunction()

# What macOS wants of a bundle besides the file that is loaded.
function(tagplug_bundle folder executable format)
  file(STRINGS ${PROJECT_SOURCE_DIR}/include/tagnode.h id REGEX "#define TAGNODE_PLUGIN_CLAP_ID ")
  string(REGEX REPLACE ".*\"(.*)\"" "\\1" id "${id}")
  set(bundle_executable ${executable})
  set(bundle_identifier ${id}.${format})
  set(bundle_minimum 11.0)
  if(CMAKE_OSX_DEPLOYMENT_TARGET)
    set(bundle_minimum ${CMAKE_OSX_DEPLOYMENT_TARGET})
  endif()
  configure_file(${CMAKE_CURRENT_FUNCTION_LIST_DIR}/Info.plist.in ${folder}/Contents/Info.plist @ONLY)
  file(WRITE ${folder}/Contents/PkgInfo "BNDL????")
endfunction()
