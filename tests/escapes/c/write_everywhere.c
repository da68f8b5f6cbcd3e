/* expect: wrong_answer */
/* forbidden: a file outlives the job */
#include <fcntl.h>
#include <unistd.h>
int main(void)
{
    const char *places[] = { "/tmp/" MARK, "/dev/shm/" MARK, "/usr/" MARK, "/" MARK,
                             MARK,         "/var/tmp/" MARK };
    for (int i = 0; i < 6; i++)
        if (open(places[i], O_CREAT | O_WRONLY, 0666) >= 0)
            PW("a file");
    return 0;
}
