/* expect: mle,runtime_error */
/* forbidden: memory without end */
#include <stdlib.h>
#include <string.h>
int main(void)
{
    for (int i = 0; i < 4096; i++) {
        char *p = malloc(1 << 20);
        memset(p, i + 1, 1 << 20);
        if (i > 1500)
            PW("1.5 GB");
    }
    return 0;
}
