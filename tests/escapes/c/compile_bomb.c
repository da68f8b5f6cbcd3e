/* expect: compile_error */
/* forbidden: macros that grow without end hold the compiler */
#define A(x) x, x, x, x, x, x, x, x
#define B(x) A(A(A(A(x))))
static char bomb[] = { B(B(B(1))) };
int main(void)
{
    return bomb[0];
}
