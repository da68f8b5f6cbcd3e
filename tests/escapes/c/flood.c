/* expect: ole */
/* forbidden: output without end */
#include <unistd.h>
int main(void)
{
    static char block[65536];
    for (;;)
        if (write(1, block, sizeof block) < 0)
            write(2, block, sizeof block);
}
