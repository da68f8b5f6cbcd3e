/* expect: compile_error */
/* forbidden: the compiler waits for input without end */
#include "/dev/zero"
int main(void)
{
    return 0;
}
