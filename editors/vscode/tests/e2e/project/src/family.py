"""Squares a number in a process of its own."""

from multiprocessing import Process


def square(number):
    result = number * number
    print(f"{number} times {number} is {result}")


if __name__ == "__main__":
    child = Process(target=square, args=(7,))
    child.start()
    child.join()
