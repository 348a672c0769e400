# Writes the migrations of an index as a C++ source.
#   cmake -DDIRECTORY=repositories/migrations -DOUTPUT=migrations.cc -P compile_migrations.cmake
file(STRINGS ${DIRECTORY}/index.txt names)
set(entries "")
set(expected 0)
foreach(name IN LISTS names)
  math(EXPR expected "${expected} + 1")
  if(NOT name MATCHES "^0*([1-9][0-9]*)_([a-z0-9_]+)$")
    message(FATAL_ERROR "${DIRECTORY}/index.txt: '${name}' is not NNNN_name")
  endif()
  set(version ${CMAKE_MATCH_1})
  set(title ${CMAKE_MATCH_2})
  if(NOT version EQUAL expected)
    message(FATAL_ERROR "${DIRECTORY}/index.txt: '${name}' stands where ${expected} belongs")
  endif()
  file(READ ${DIRECTORY}/${name}.up.sql up)
  file(READ ${DIRECTORY}/${name}.down.sql down)
  file(SHA256 ${DIRECTORY}/${name}.up.sql checksum)
  set(transactional true)
  if("${up}" MATCHES "^-- aquifer: no transaction\n")
    set(transactional false)
  endif()
  string(APPEND entries "    {${version}, \"${title}\",\n"
    "     R\"aquifer_sql(${up})aquifer_sql\",\n"
    "     R\"aquifer_sql(${down})aquifer_sql\",\n"
    "     \"${checksum}\", ${transactional}},\n")
endforeach()
file(WRITE ${OUTPUT}
  "#include \"repositories/migrations.h\"\n\n"
  "namespace aquifer {\nnamespace {\n\n"
  "constexpr Migration kMigrations[] = {\n${entries}};\n\n"
  "}  // namespace\n\n"
  "absl::Span<const Migration> Migrations() { return kMigrations; }\n\n"
  "}  // namespace aquifer\n")
