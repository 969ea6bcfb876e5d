# What an installation consists of, and the Debian package that `cpack` makes of it.
#
# The completions are written by the program itself, from the tables of its command line.
set(completions ${CMAKE_CURRENT_BINARY_DIR}/completions)
set(completion_files "")
foreach(shell bash zsh fish)
    set(file ${completions}/pg_diagnose.${shell})
    add_custom_command(
        OUTPUT ${file}
        COMMAND ${CMAKE_COMMAND} -E make_directory ${completions}
        COMMAND pg_diagnose completion ${shell} > ${file}
        DEPENDS pg_diagnose
        COMMENT "Writing the completion for ${shell}"
        VERBATIM)
    list(APPEND completion_files ${file})
endforeach()
add_custom_target(completions ALL DEPENDS ${completion_files})

install(TARGETS pg_diagnose RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${completions}/pg_diagnose.bash
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME pg_diagnose)
install(FILES ${completions}/pg_diagnose.zsh
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions RENAME _pg_diagnose)
install(FILES ${completions}/pg_diagnose.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME pg-diagnose)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "pg_diagnose contributors <contributors@pg-diagnose.invalid>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "postgresql | postgresql-contrib")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "openssh-client, sudo")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "AI partner for tuning PostgreSQL
A full-screen program that connects to a PostgreSQL server (and to its host
over ssh), looks at it, measures it with pgbench, proposes settings and
applies what its DBA accepts. Only what the measurement supports is kept;
everything can be resumed, undone and exported.")

# Debian's policy wants these two compressed, and the same bytes from each build.
set(package_doc ${CMAKE_CURRENT_BINARY_DIR}/package-doc)
find_program(PGD_GZIP gzip)
if(PGD_GZIP)
    add_custom_command(
        OUTPUT ${package_doc}/changelog.gz ${package_doc}/pg_diagnose.1.gz
        COMMAND ${CMAKE_COMMAND} -E make_directory ${package_doc}
        COMMAND ${PGD_GZIP} -9nc ${CMAKE_CURRENT_SOURCE_DIR}/cmake/deb/changelog > ${package_doc}/changelog.gz
        COMMAND ${PGD_GZIP} -9nc ${CMAKE_CURRENT_SOURCE_DIR}/docs/pg_diagnose.1 > ${package_doc}/pg_diagnose.1.gz
        DEPENDS cmake/deb/changelog docs/pg_diagnose.1
        COMMENT "Compressing what the package documents"
        VERBATIM)
    add_custom_target(package_doc ALL DEPENDS ${package_doc}/changelog.gz ${package_doc}/pg_diagnose.1.gz)
    install(FILES ${package_doc}/pg_diagnose.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
    install(FILES ${package_doc}/changelog.gz DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/pg-diagnose)
else()
    install(FILES docs/pg_diagnose.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
install(FILES cmake/deb/copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/pg-diagnose)

include(CPack)
