# cmake -DNVCC= -DSOURCE= -DOBJECT= -DDEPENDS= -DLOG= -DFLAGS= -P nvcc.cmake: compiles one .cu. What ptxas says of registers
# and spills goes to LOG (.ci/ptxas.py reads it), and is printed with the rest where it fails or warns.
separate_arguments(FLAGS)
execute_process(COMMAND ${NVCC} ${FLAGS} -Xptxas -v -MD -MF ${DEPENDS} -MT ${OBJECT} -c ${SOURCE} -o ${OBJECT}
  OUTPUT_VARIABLE text ERROR_VARIABLE text RESULT_VARIABLE code)
file(WRITE ${LOG} "${text}")
if(NOT code EQUAL 0 OR text MATCHES "warning")
  message("${text}")
endif()
if(NOT code EQUAL 0)
  message(FATAL_ERROR "nvcc ended with ${code}")
endif()
