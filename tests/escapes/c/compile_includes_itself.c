/* expect: compile_error */
/* forbidden: a file that includes itself without end */
#include "program.c"
int main(void)
{
    return 0;
}
