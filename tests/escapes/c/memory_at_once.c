/* expect: mle,runtime_error */
/* forbidden: a gigabyte of memory that was never granted */
#include <stdlib.h>
int main(void)
{
    char *p = malloc(8ul << 30);
    p[0] = 1;
    PW("8 GB");
}
