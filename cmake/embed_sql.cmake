# embed_sql(TARGET PREFIX FILE.sql...) - makes C string constants in TARGET of statements, one in each file.
#
#     embed_sql(broadsheet_lib db_sql sql/article_by_id.sql sql/related_by_id.sql)
#
# called in db/CMakeLists.txt gives "db/db_sql.h" with
#
#     extern const char db_sql_article_by_id[];
#     extern const char db_sql_related_by_id[];
#
# for TARGET and for all targets that link it. TARGET may be in another folder. A changed .sql file is
# embedded again by the next build. The text is that of the file, byte for byte, without white space at its end.
#
# The same file is also the generator, as a script: see the end.

if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(EMBED_SQL_SCRIPT ${CMAKE_CURRENT_LIST_FILE} CACHE INTERNAL "The generator of embed_sql()")
endif()

function(embed_sql target prefix)
  set(include_dir ${PROJECT_BINARY_DIR}/generated)
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  set(stem ${include_dir}/${folder}/${prefix})
  set(files "")
  foreach(file IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH file NORMALIZE OUTPUT_VARIABLE absolute)
    list(APPEND files ${absolute})
  endforeach()

  add_custom_command(
    OUTPUT ${stem}.h ${stem}.c
    COMMAND ${CMAKE_COMMAND} -DSTEM=${stem} -DPREFIX=${prefix} -DFOLDER=${folder} "-DFILES=${files}"
            -P ${EMBED_SQL_SCRIPT}
    DEPENDS ${files} ${EMBED_SQL_SCRIPT}
    COMMENT "Embedding the SQL of ${folder}/"
    VERBATIM)
  # A custom command is visible only in its own folder, and a target everywhere. This target makes it visible.
  add_custom_target(${prefix}_embedded DEPENDS ${stem}.h ${stem}.c)
  add_dependencies(${target} ${prefix}_embedded)
  set_source_files_properties(${stem}.h ${stem}.c PROPERTIES GENERATED TRUE)
  target_sources(${target} PRIVATE ${stem}.c)
  target_include_directories(${target} PUBLIC ${include_dir})
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  string(TOUPPER "${PREFIX}_H" guard)
  set(header "#ifndef ${guard}\n#define ${guard}\n\n")
  set(source "#include \"${FOLDER}/${PREFIX}.h\"\n")
  foreach(file IN LISTS FILES)
    get_filename_component(name ${file} NAME_WE)
    string(MAKE_C_IDENTIFIER ${name} name)
    file(READ ${file} text)
    string(REGEX REPLACE "[ \t\r\n]+$" "" text "${text}")
    string(REPLACE "\\" "\\\\" text "${text}")
    string(REPLACE "\"" "\\\"" text "${text}")
    string(REPLACE "??" "?\\?" text "${text}") # a trigraph in strict C
    string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
    string(APPEND header "extern const char ${PREFIX}_${name}[];\n")
    string(APPEND source "\nconst char ${PREFIX}_${name}[] =\n    \"${text}\";\n")
  endforeach()
  string(APPEND header "\n#endif\n")
  file(WRITE ${STEM}.h "${header}")
  file(WRITE ${STEM}.c "${source}")
endif()
