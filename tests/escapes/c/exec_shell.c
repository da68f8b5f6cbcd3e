/* expect: sandbox_violation */
/* forbidden: a shell */
#include <unistd.h>
int main(void)
{
    execl("/bin/sh", "sh", "-c", "echo PWN''ED", (char *)0);
    return 0;
}
