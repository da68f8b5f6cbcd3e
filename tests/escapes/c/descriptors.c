/* expect: wrong_answer */
/* forbidden: descriptors of the judge are open in a native program */
#include <fcntl.h>
#include <unistd.h>
int main(void)
{
    for (int fd = 3; fd < 4096; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            PW("a descriptor above 2");
    return 0;
}
