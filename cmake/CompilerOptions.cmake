# One interface target, pgd_options, with everything that every file of the project is compiled and linked with:
# language level, warnings, sanitizers, hardening, coverage.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)
include(CheckPIESupported)
include(CheckIPOSupported)

check_pie_supported(LANGUAGES C)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(pgd_options INTERFACE)
target_include_directories(pgd_options INTERFACE ${CMAKE_CURRENT_SOURCE_DIR}/include)
target_compile_definitions(pgd_options INTERFACE _GNU_SOURCE PGD_VERSION="${PROJECT_VERSION}")
target_compile_options(pgd_options INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Wstrict-prototypes -Wvla -Wimplicit-fallthrough)
if(PGD_WERROR)
    target_compile_options(pgd_options INTERFACE -Werror)
endif()
if(PGD_TEST_BUILD)
    target_compile_definitions(pgd_options INTERFACE PGD_TEST_BUILD=1)
endif()

function(pgd_compile_flag flag)
    string(MAKE_C_IDENTIFIER "PGD_HAS_${flag}" known)
    check_c_compiler_flag(${flag} ${known})
    if(${known})
        target_compile_options(pgd_options INTERFACE ${flag})
    endif()
endfunction()

function(pgd_link_flag flag)
    string(MAKE_C_IDENTIFIER "PGD_HAS_${flag}" known)
    check_linker_flag(C ${flag} ${known})
    if(${known})
        target_link_options(pgd_options INTERFACE ${flag})
    endif()
endfunction()

if(PGD_FUZZ AND NOT PGD_SANITIZE)
    set(PGD_SANITIZE address,undefined)
endif()

if(PGD_SANITIZE)
    # Our own handler of fatal signals would hide the sanitizer's report: PGD_SANITIZED leaves it out.
    target_compile_definitions(pgd_options INTERFACE PGD_SANITIZED=1)
    target_compile_options(pgd_options INTERFACE
        -fsanitize=${PGD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(pgd_options INTERFACE -fsanitize=${PGD_SANITIZE})
elseif(CMAKE_BUILD_TYPE MATCHES "^Rel")
    # Some distributions predefine the macro at another level.
    target_compile_options(pgd_options INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
    pgd_compile_flag(-fstack-protector-strong)
    pgd_compile_flag(-fstack-clash-protection)
    pgd_compile_flag(-fcf-protection)
    pgd_link_flag(-Wl,-z,relro)
    pgd_link_flag(-Wl,-z,now)
endif()

if(PGD_FUZZ)
    # Without it a whole life of the program takes most of a second.
    target_compile_options(pgd_options INTERFACE -fsanitize=fuzzer-no-link -O1)
endif()
if(PGD_COVERAGE)
    target_compile_options(pgd_options INTERFACE --coverage)
    target_link_options(pgd_options INTERFACE --coverage)
endif()

set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT PGD_SANITIZE)
    check_ipo_supported(RESULT PGD_LTO OUTPUT PGD_LTO_WHY LANGUAGES C)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${PGD_LTO})
endif()
