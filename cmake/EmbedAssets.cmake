# Turns every file below assets/ into bytes inside the program, so that it needs no data folder at run time. The table is
# sorted by name (the path below assets/) and declared in pgd/base/assets.h. The same file is the build step: run as a
# script with -DASSETS=folder -DLIST=file -DOUT=file it writes the generated C.
if(CMAKE_SCRIPT_MODE_FILE)
    file(STRINGS ${LIST} names ENCODING UTF-8)
    set(arrays "")
    set(rows "")
    set(count 0)
    foreach(name IN LISTS names)
        file(READ ${ASSETS}/${name} hex HEX)
        string(LENGTH "${hex}" digits)
        math(EXPR size "${digits} / 2")
        string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
        string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
        string(APPEND arrays "static const unsigned char asset_${count}[] = {\n${hex}0x00};\n")
        string(APPEND rows "    {\"${name}\", asset_${count}, ${size}},\n")
        math(EXPR count "${count} + 1")
    endforeach()
    file(WRITE ${OUT}.new "/* Generated from assets/ by cmake/EmbedAssets.cmake. */\n"
        "#include \"pgd/base/assets.h\"\n\n${arrays}\n"
        "const struct asset asset_table[] = {\n${rows}    {0, 0, 0},\n};\n"
        "const size_t asset_count = ${count};\n")
    file(RENAME ${OUT}.new ${OUT})
    return()
endif()

set(PGD_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

# Sets `result` to the generated source with all files below `folder`.
function(pgd_embed_assets result folder)
    file(GLOB_RECURSE names CONFIGURE_DEPENDS RELATIVE ${folder} ${folder}/*)
    list(FILTER names EXCLUDE REGEX "(^|/)\\.|~$")
    list(SORT names COMPARE STRING)
    list(TRANSFORM names PREPEND ${folder}/ OUTPUT_VARIABLE paths)
    string(REPLACE ";" "\n" lines "${names}")
    set(list_file ${CMAKE_BINARY_DIR}/generated/assets.list)
    set(out ${CMAKE_BINARY_DIR}/generated/assets_data.c)
    file(CONFIGURE OUTPUT ${list_file} CONTENT "${lines}\n" @ONLY)
    add_custom_command(OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -DASSETS=${folder} -DLIST=${list_file} -DOUT=${out} -P ${PGD_EMBED_SCRIPT}
        DEPENDS ${paths} ${list_file} ${PGD_EMBED_SCRIPT}
        COMMENT "Embedding assets" VERBATIM)
    set(${result} ${out} PARENT_SCOPE)
endfunction()
