# What is installed where, and the .deb that CPack makes of it: cmake --build --preset release --target package
include(GNUInstallDirs)
set(package ${CMAKE_CURRENT_SOURCE_DIR}/deploy/package)
set(made ${CMAKE_CURRENT_BINARY_DIR}/package)
set(documents ${CMAKE_INSTALL_DATADIR}/doc/leadclock)

install(TARGETS leadclock RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# Units of commands that the program has.
set(units)
foreach(unit leadclock leadclock-alert leadclock-dashboard leadclock-ingest)
  string(REGEX REPLACE "^leadclock-?" "" command ${unit})
  if(NOT command OR EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/src/cli/${command}.c)
    install(FILES deploy/systemd/${unit}.service DESTINATION lib/systemd/system)
    list(APPEND units ${unit}.service)
  endif()
endforeach()
list(JOIN units " " units)

# Here and nowhere else: the units name this folder.
install(FILES ${package}/leadclock.yaml ${package}/policy.yaml DESTINATION /etc/leadclock)

# Manual pages of the program's own tables, in the form that Debian wants (gzip without a time is the same each time).
install(CODE "
  file(REMOVE_RECURSE ${made}/man)
  file(GLOB pages ${manual}/*.1 ${manual}/*.5)
  file(COPY \${pages} DESTINATION ${made}/man)
  file(GLOB pages ${made}/man/*)
  file(COPY_FILE ${package}/changelog ${made}/changelog.Debian)
  execute_process(COMMAND gzip -9nf \${pages} ${made}/changelog.Debian COMMAND_ERROR_IS_FATAL ANY)")
install(DIRECTORY ${made}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN *.1.gz)
install(DIRECTORY ${made}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man5 FILES_MATCHING PATTERN *.5.gz)
install(FILES ${manual}/leadclock.bash RENAME leadclock
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${manual}/_leadclock DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)

file(GLOB texts ${CMAKE_CURRENT_SOURCE_DIR}/docs/*.md)
install(FILES README.md ${texts} ${package}/copyright ${made}/changelog.Debian.gz DESTINATION ${documents})
install(FILES deploy/systemd/credentials.conf deploy/demo/policy.yaml DESTINATION ${documents}/examples)
install(DIRECTORY schemas DESTINATION ${CMAKE_INSTALL_DATADIR}/leadclock FILES_MATCHING PATTERN *.avsc PATTERN *.json)
install(FILES deploy/prometheus/rules.yml deploy/prometheus/rules_test.yml DESTINATION ${CMAKE_INSTALL_DATADIR}/leadclock/prometheus)
install(FILES deploy/grafana/leadclock.json DESTINATION ${CMAKE_INSTALL_DATADIR}/leadclock/grafana)
install(FILES ${package}/lintian-overrides RENAME leadclock DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides)

foreach(script postinst prerm postrm)
  configure_file(${package}/${script} ${made}/${script} @ONLY
    FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
endforeach()
file(WRITE ${made}/conffiles "/etc/leadclock/leadclock.yaml\n/etc/leadclock/policy.yaml\n")

# The revision and the maintainer are the changelog's.
file(STRINGS ${package}/changelog entry LIMIT_COUNT 1 REGEX "^leadclock ")
if(NOT entry MATCHES "\\(${PROJECT_VERSION}-([^)]*)\\)")
  message(FATAL_ERROR "deploy/package/changelog does not begin with version ${PROJECT_VERSION}: \"${entry}\"")
endif()
set(CPACK_DEBIAN_PACKAGE_RELEASE ${CMAKE_MATCH_1})
file(STRINGS ${package}/changelog signature LIMIT_COUNT 1 REGEX "^ -- ")
string(REGEX REPLACE "^ -- (.*>)  .*" "\\1" CPACK_DEBIAN_PACKAGE_MAINTAINER "${signature}")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME leadclock)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS tzdata) # calendars
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${made}/postinst ${made}/prerm ${made}/postrm ${made}/conffiles)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "holds every sales lead to its deadlines, from Kafka to Kafka")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
  "Leadclock reads what happened to each lead from Kafka, holds every promise
to its deadline, takes stale leads back, routes rejected ones, and publishes
breaches, routes and rows for analysis back to Kafka, exactly once. Its
working state is in Redis, and can be made anew from Kafka at any time.")
include(CPack)
