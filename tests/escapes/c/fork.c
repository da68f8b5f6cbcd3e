/* expect: sandbox_violation */
/* forbidden: a second process */
#include <unistd.h>
int main(void)
{
    if (fork() >= 0)
        PW("fork");
    return 0;
}
