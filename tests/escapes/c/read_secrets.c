/* expect: wrong_answer */
/* forbidden: files of the machine */
#include <fcntl.h>
#include <unistd.h>
int main(void)
{
    const char *places[] = {
        "/etc/passwd", "/etc/shadow", "/proc/self/maps", "/proc/1/environ", "/root", "/home", HERE
    };
    for (int i = 0; i < 7; i++)
        if (open(places[i], O_RDONLY) >= 0)
            PW("a file of the machine");
    return 0;
}
