# pg_diagnose_test is the program with its faults on: it honours the fault-injection variables of the environment. Only the
# sources that ask for PGD_TEST_BUILD are compiled a second time; they are linked before the libraries, so that their
# objects are taken in place of the ordinary ones. A header must not ask for it: its readers would disagree.
if(NOT TARGET pg_diagnose)
    return()
endif()

set(faulty "")
foreach(folder IN LISTS PGD_FOLDERS)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/src/${folder}/*.c)
    foreach(source IN LISTS sources)
        file(STRINGS ${source} asks REGEX "PGD_TEST_BUILD" LIMIT_COUNT 1)
        if(asks)
            list(APPEND faulty ${source})
            set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
        endif()
    endforeach()
endforeach()

add_executable(pg_diagnose_test src/main.c ${faulty})
target_compile_definitions(pg_diagnose_test PRIVATE PGD_TEST_BUILD=1)
target_link_libraries(pg_diagnose_test PRIVATE pgd_app)
set_target_properties(pg_diagnose_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
