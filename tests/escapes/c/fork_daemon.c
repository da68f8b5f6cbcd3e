/* expect: sandbox_violation */
/* forbidden: a process that outlives the verdict */
#include <unistd.h>
int main(void)
{
    if (daemon(0, 0) == 0)
        sleep(60);
    return 0;
}
